"""Settings for an inventory, read from the programs of a host; only those that differ from the defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping

from haconsole.configs.owner import owner_of
from haconsole.inventory.component_settings import CgroupDriver, Kubeadm, LeaderElection
from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers import kubeasz, kubespray
from haconsole.inventory.importers.draft import Settings, Value, host_name
from haconsole.inventory.schema import Deployment, Etcd, EtcdPlacement, Haproxy, Keepalived, Kubernetes
from haconsole.model.kubeadm import ClusterConfiguration, KubeletConfiguration
from haconsole.probes.discovery.balancer import BalancedApi
from haconsole.probes.discovery.host_report import API, ETCD, HAPROXY, KEEPALIVED, MANAGER, HostReport, Others, url_of
from haconsole.probes.discovery.product import DEPLOYMENTS, Product, etcd_files, product_of

_NAME_LENGTH = 48
"""Characters of the endpoint in a cluster's name, which may have 64."""
_OF_PRODUCTS = (kubeasz.TOKEN, kubespray.TOKEN, "cluster.local")
"""Tokens and names that a product gives every cluster."""
_DURATION = re.compile(r"(?:(\d+)m)?(?:(\d+)s)?")
_ELECTION = {
    "lease_duration_s": "leader-elect-lease-duration",
    "renew_deadline_s": "leader-elect-renew-deadline",
    "retry_period_s": "leader-elect-retry-period",
}


def cluster_name(report: HostReport, kubeadm: ClusterConfiguration | None = None) -> str:
    """The name from bootstrap or a person; otherwise, for a kubeadm cluster, its endpoint and CA.

    kubeadm calls every cluster kubernetes; endpoint and CA are the same on each of its hosts. Otherwise the host's
    name.
    """
    if own := owner_of(report.keepalived.texts[report.keepalived.main]) or _owner_of_haproxy(report):
        return own
    names = (report.flag(MANAGER, "cluster-name"), report.flag(ETCD, "initial-cluster-token"))
    usual = ("", Kubernetes().cluster_name, Etcd().token, *_OF_PRODUCTS)
    unlike = next((name for name in names if name not in usual), None)
    return host_name(unlike or _by_endpoint(report, kubeadm) or _by_product(report) or report.name)


def _by_product(report: HostReport) -> str | None:
    """``rke2-3f9a61c0``: the product that runs the cluster, and the beginning of the CA's SHA-256."""
    product = product_of(report)
    return (
        f"{product.name.lower()}-{report.authority[:8]}" if product is not Product.HAND and report.authority else None
    )


def _by_endpoint(report: HostReport, kubeadm: ClusterConfiguration | None) -> str | None:
    """``10.99.0.100-3f9a61c0``: the endpoint's address or name, and the beginning of the CA's SHA-256."""
    if (API not in report.static_pods and kubeadm is None) or product_of(report).is_watched_only:
        return None
    server = url_of(f"//{kubeadm.endpoint}" if kubeadm and kubeadm.endpoint else report.server).host
    if server in (None, "localhost", "127.0.0.1", "::1"):
        return None
    return f"{server[:_NAME_LENGTH]}-{report.authority[:8]}".rstrip("-")


def _owner_of_haproxy(report: HostReport) -> str | None:
    return next((own for text in report.haproxy.texts if (own := owner_of(text))), None)


def etcd(report: HostReport) -> Settings:
    program = report.programs.get(ETCD)
    if program is None:
        return {}
    is_stacked = ETCD in report.static_pods or product_of(report) is Product.RKE2
    by_kubeadm = product_of(report) is Product.KUBEADM and is_stacked
    client = url_of(_first(report.flag(ETCD, "advertise-client-urls")))
    tls = {"https": "certificates", "http": "off"}.get(client.scheme)
    values: dict[str, Value | None] = {
        "placement": "static-pod" if is_stacked else "systemd",
        "tls": "auto" if report.flag(ETCD, "auto-tls") == "true" else tls,
        "client_port": client.port,
        "peer_port": url_of(_first(report.flag(ETCD, "initial-advertise-peer-urls"))).port,
        "metrics_port": _plain_port(report.flag(ETCD, "listen-metrics-urls")),
        "data_dir": report.flag(ETCD, "data-dir") or None,
        "pki_dir": None if by_kubeadm else program.folder("trusted-ca-file", "cert-file"),
        "files": etcd_files(report) or None,
        "config_file": None if is_stacked else report.etcd_file or None,
        "binary": None if is_stacked else program.path or None,
        "token": report.flag(ETCD, "initial-cluster-token") or None,
        "heartbeat_ms": _whole(report.flag(ETCD, "heartbeat-interval")),
        "election_ms": _whole(report.flag(ETCD, "election-timeout")),
        "quota_bytes": _whole(report.flag(ETCD, "quota-backend-bytes")) or None,
    }
    return other_than(Etcd(), values)


def kubernetes(report: HostReport, others: Others, balancer: str, own: str) -> Settings:
    """`balancer` is the API's address and port by an inventory's defaults."""
    product = product_of(report)
    by_kubeadm = bool({API, ETCD} & report.static_pods) or product is Product.KUBESPRAY
    api, manager = report.programs.get(API), report.programs.get(MANAGER)
    kubeadm = others.kubeadm or ClusterConfiguration()
    server = url_of(f"//{_with_port(kubeadm.endpoint)}" if kubeadm.endpoint else report.server)
    address = join_host_port(server.host or "", server.port or 443)
    is_remote = server.host not in (None, "localhost", "127.0.0.1", own) and address != balancer
    values: dict[str, Value | None] = {
        "deployment": DEPLOYMENTS.get(product, Deployment.KUBEADM if by_kubeadm else Deployment.SYSTEMD).value,
        "endpoint": address if is_remote else None,
        "api_port": _whole(report.flag(API, "secure-port")),
        "service_cidr": _first(report.flag(API, "service-cluster-ip-range") or kubeadm.service_cidr) or None,
        "pod_cidr": _first(report.flag(MANAGER, "cluster-cidr") or kubeadm.pod_cidr) or None,
        "cluster_name": report.flag(MANAGER, "cluster-name") or None,
        "pki_dir": api.folder("client-ca-file") if api else None,
        "config_dir": manager.folder("kubeconfig") if manager else None,
        "binary_dir": (api.path.rpartition("/")[0] or None) if api and not by_kubeadm else None,
        "version": others.version,
        "leader_election": other_than(
            LeaderElection(), {name: _seconds(report.flag(MANAGER, flag)) for name, flag in _ELECTION.items()}
        )
        or None,
        "kubeadm": _of_kubelets(kubeadm.kubelet) or None,
    }
    return other_than(Kubernetes(), values, always=("deployment",))


def _of_kubelets(record: KubeletConfiguration | None) -> dict[str, Value]:
    """The cgroup driver of kubelet-config, if it names one that an inventory can hold."""
    driver = record.cgroup_driver if record else ""
    return other_than(Kubeadm(), {"cgroup_driver": driver if driver in tuple(CgroupDriver) else None})


def _with_port(endpoint: str) -> str:
    """kubeadm's endpoint; without a port its API servers' port is meant."""
    return endpoint if url_of(f"//{endpoint}").port else f"{endpoint}:{Kubernetes().api_port}"


def haproxy(report: HostReport, balanced_api: BalancedApi) -> Settings:
    values: dict[str, Value | None] = {
        "placement": _placement(report, HAPROXY),
        "bind_port": balanced_api.bind_port or None,
        "config_file": next(iter(report.haproxy.paths), None),
        "stats_socket": balanced_api.stats_socket or None,
        "balance": balanced_api.balance or None,
    }
    return other_than(Haproxy(), values)


def keepalived(report: HostReport) -> Settings:
    path = report.flag(KEEPALIVED, "f") or report.flag(KEEPALIVED, "use-file")
    if path and report.keepalived.texts[report.keepalived.main]:
        path = report.keepalived.main
    return other_than(Keepalived(), {"placement": _placement(report, KEEPALIVED), "config_file": path or None})


def _placement(report: HostReport, program: str) -> str:
    return (EtcdPlacement.STATIC_POD if program in report.static_pods else EtcdPlacement.SYSTEMD).value


def other_than(default: object, values: Mapping[str, Value | None], always: tuple[str, ...] = ()) -> dict[str, Value]:
    """The values that differ from `default`, and those that are `always` written."""
    return {
        key: value
        for key, value in values.items()
        if value is not None and (key in always or str(getattr(default, key)) != str(value))
    }


def _first(items: str) -> str:
    return items.partition(",")[0]


def _plain_port(urls: str) -> int | None:
    return next((url_of(one).port for one in urls.split(",") if one.startswith("http://")), None)


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _seconds(text: str) -> int | None:
    """A duration as Go writes it; None unless it is whole minutes and seconds."""
    match = _DURATION.fullmatch(text)
    return int(match[1] or 0) * 60 + int(match[2] or 0) if match and text else None
