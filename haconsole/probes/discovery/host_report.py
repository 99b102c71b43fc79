"""The report of one host, and the reports of etcd and the API about the others."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from haconsole.model.etcd import EtcdMember
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.probes.balancers.haproxy_lines import HaproxyFiles
from haconsole.probes.balancers.keepalived_lines import ConfigFiles, single_file
from haconsole.probes.discovery.kube_vip import KubeVipSettings
from haconsole.transport.kube_objects import Node

ETCD, API, MANAGER, SCHEDULER, KUBELET = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"),
)
HAPROXY, KEEPALIVED = "haproxy", "keepalived"


class Program(msgspec.Struct, frozen=True):
    """A process: its file, and its flags without dashes; etcd's environment counts as flags too."""

    path: str
    flags: Mapping[str, str]

    def folder(self, *names: str) -> str | None:
        """The path of the file that the first of these flags names."""
        path = next((self.flags[name] for name in names if self.flags.get(name, "").startswith("/")), None)
        return path.rpartition("/")[0] if path else None


class HostReport(msgspec.Struct, frozen=True):
    """The host's report; its configurations may hold passwords.

    `addresses` have their prefix length, `static_pods` are the names of manifests without ending, `etcd_file` is the
    environment file of etcd's unit.
    """

    name: str
    addresses: tuple[str, ...] = ()
    programs: Mapping[str, Program] = msgspec.field(default_factory=dict)
    static_pods: frozenset[str] = frozenset()
    etcd_file: str = ""
    etcd_folder: frozenset[str] = frozenset()
    """Names of the files beside etcd's CA certificate."""

    server: str = ""
    """URL of the API in the administrator's kubeconfig, else in kubelet's."""
    kubeconfig: str = ""
    """The file that `server` is from."""
    authority: str = ""
    """SHA-256 of the CA in that kubeconfig, in hexadecimal; empty where it could not be read."""
    kube_vip: KubeVipSettings | None = None
    """kube-vip's settings where it is a static pod of the host."""
    haproxy: HaproxyFiles = HaproxyFiles(())
    keepalived: ConfigFiles = single_file("")

    def flag(self, program: str, name: str, default: str = "") -> str:
        process = self.programs.get(program)
        return process.flags.get(name, default) if process else default


class Others(msgspec.Struct, frozen=True):
    """The answers of etcd, the API and other hosts; None if there is none, for the reasons in `notes`.

    `hosts` are those with a login, by address; `version` is Kubernetes', like ``v1.30.2``.
    """

    members: tuple[EtcdMember, ...] | None = None
    nodes: tuple[Node, ...] | None = None
    version: str | None = None
    kubeadm: ClusterConfiguration | None = None
    """kubeadm's record of the cluster; None where there is none."""
    hosts: Mapping[str, HostReport] = msgspec.field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Url(msgspec.Struct, frozen=True):
    """The parts of a URL that count here; None where it has none, or none that can be."""

    scheme: str = ""
    host: str | None = None
    port: int | None = None


def url_of(text: str) -> Url:
    """The parts of a URL; without any where the text is no URL."""
    try:
        parts = urlsplit(text)
        return Url(parts.scheme, parts.hostname, parts.port)
    except ValueError:
        return Url()


def hostname(*urls: str) -> str:
    """The host of the first URL; each may be several with commas between."""
    return next((url_of(one).host or "" for url in urls for one in url.split(",") if "//" in one), "")
