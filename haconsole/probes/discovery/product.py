"""The product that made a cluster, by what runs on one of its hosts.

Names of files and folders are those of each product's own sources: k0s's and RKE2's supervisors, kubeasz's roles etcd
and kube-master, kubespray's and kubekey's template of etcd's environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

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
        case _:
            return None


def _has_path(report: HostReport, part: str) -> bool:
    """Whether the path of a program or of its files has the part."""
    flags = ("kubeconfig", "client-ca-file", "trusted-ca-file", "data-dir")
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
