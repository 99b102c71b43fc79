"""The product that made a cluster, by what runs on one of its hosts.

Names of files and folders are those of each product's own sources: k0s's and RKE2's supervisors, kubeasz's roles etcd
and kube-master, kubespray's and kubekey's template of etcd's environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from haconsole.inventory.component_settings import EtcdFiles
from haconsole.inventory.importers import kubeasz, kubespray
from haconsole.inventory.schema import Deployment
from haconsole.probes.discovery.host_report import API, ETCD, KUBELET, MANAGER, SCHEDULER, HostReport

_MEMBER = "member-"
"""kubespray and kubekey name etcd's certificates ``member-HOST.pem``."""

_RKE2_FILES = {
    "ca_cert": "server-ca.crt",
    "ca_key": "server-ca.key",
    "server_cert": "server-client.crt",
    "server_key": "server-client.key",
    "peer_ca_cert": "peer-ca.crt",
    "peer_cert": "peer-server-client.crt",
    "peer_key": "peer-server-client.key",
}
"""etcd's files in RKE2's folder ``server/tls/etcd``; its client certificate has the usual name."""


_FLAGS = {
    "ca_cert": "trusted-ca-file",
    "server_cert": "cert-file",
    "server_key": "key-file",
    "peer_cert": "peer-cert-file",
    "peer_key": "peer-key-file",
    "peer_ca_cert": "peer-trusted-ca-file",
}
_CLIENTS = (
    ("client.crt", "client.key"),
    ("healthcheck-client.crt", "healthcheck-client.key"),
    ("apiserver-etcd-client.crt", "apiserver-etcd-client.key"),
    ("client.pem", "client-key.pem"),
)
"""Client pairs by the names that guides give them. A member's own pair serves as a client's too."""


class Product(StrEnum):
    """The makers of clusters that discovery distinguishes."""

    KUBEADM = "kubeadm"
    KUBESPRAY = "kubespray or kubekey"
    K0S = "k0s"
    RKE2 = "RKE2"
    KUBEASZ = "kubeasz"
    HAND = "systemd units"

    @property
    def is_watched_only(self) -> bool:
        """Whether no action of this console fits the cluster."""
        return self in (Product.K0S, Product.RKE2, Product.KUBEASZ)


DEPLOYMENTS = {
    Product.K0S: Deployment.K0S,
    Product.RKE2: Deployment.RKE2,
    Product.KUBEASZ: Deployment.KUBEASZ,
}


def product_of(report: HostReport) -> Product:
    """The product of the first sign that fits."""
    if "rke2" in report.programs or _has_path(report, "/rke2/"):
        return Product.RKE2
    if "k0s" in report.programs or _has_path(report, "/k0s/"):
        return Product.K0S
    if _is_kubeasz(report):
        return Product.KUBEASZ
    if _file(report, ETCD, "cert-file").startswith(_MEMBER):
        return Product.KUBESPRAY
    return Product.KUBEADM if {API, ETCD} & report.static_pods else Product.HAND


def etcd_files(report: HostReport) -> Mapping[str, str] | None:
    """Names of etcd's certificates, where they are not the usual ones."""
    match product_of(report):
        case Product.RKE2:
            return _RKE2_FILES
        case Product.KUBEASZ:
            return kubeasz.CERTIFICATES
        case Product.KUBESPRAY:
            return kubespray.CERTIFICATES
        case Product.K0S:
            return None
        case _:
            return None if ETCD in report.static_pods else _files_by_flags(report)


def _files_by_flags(report: HostReport) -> Mapping[str, str]:
    """The names in the flags of an etcd set up by hand; its client pair is the first usual one, else the members'."""
    names = {key: report.flag(ETCD, flag) for key, flag in _FLAGS.items()}
    program = report.programs[ETCD]
    folder = program.folder("trusted-ca-file", "cert-file")
    own = {key: path.removeprefix(f"{folder}/") for key, path in names.items() if path.rpartition("/")[0] == folder}
    client = next((pair for pair in _CLIENTS if report.etcd_folder.issuperset(pair)), None)
    if client is None and {"peer_cert", "peer_key"} <= own.keys():
        client = own["peer_cert"], own["peer_key"]
    if client is not None:
        own["client_cert"], own["client_key"] = client
    usual = {key: getattr(EtcdFiles(), key) for key in own} | {"peer_ca_cert": own.get("ca_cert")}
    usual |= {"client_cert": "client.crt", "client_key": "client.key"}
    return {key: _for_every_host(name, report.name) for key, name in own.items() if name != usual[key]}


def _for_every_host(name: str, host: str) -> str:
    """The name with ``{host}`` for the host's own name as a word, so that it fits the other hosts."""
    return re.sub(rf"(?<![A-Za-z0-9]){re.escape(host)}(?![A-Za-z0-9])", "{host}", name)


def _has_path(report: HostReport, part: str) -> bool:
    """Whether the path of a program or of its files has the part."""
    flags = ("kubeconfig", "client-ca-file", "trusted-ca-file", "data-dir", "pod-manifest-path", "config-dir")
    programs = (report.programs[name] for name in (ETCD, API, MANAGER, SCHEDULER, KUBELET) if name in report.programs)
    return any(part in text for one in programs for text in (one.path, *(one.flags.get(flag, "") for flag in flags)))


def _is_kubeasz(report: HostReport) -> bool:
    """One certificate for all uses of the API server or of etcd, beside ``ca.pem``."""
    served, client = (_file(report, API, flag) for flag in ("tls-cert-file", "etcd-certfile"))
    if served == client == "kubernetes.pem" and _file(report, API, "client-ca-file") == "ca.pem":
        return True
    files = tuple(_file(report, ETCD, flag) for flag in ("cert-file", "peer-cert-file", "trusted-ca-file"))
    return files == ("etcd.pem", "etcd.pem", "ca.pem")


def _file(report: HostReport, program: str, flag: str) -> str:
    return report.flag(program, flag).rpartition("/")[2]
