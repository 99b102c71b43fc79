"""An inventory's parts as a host's programs have them, where that is not what it has by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from haconsole.configs.owner import owner_of
from haconsole.inventory.importers.draft import Settings, Value, host_name
from haconsole.inventory.schema import Etcd, Haproxy, Keepalived, Kubernetes, LeaderElection
from haconsole.probes.discovery.balancer import Balanced
from haconsole.probes.discovery.told import API, ETCD, HAPROXY, KEEPALIVED, MANAGER, Told

_DURATION = re.compile(r"(?:(\d+)m)?(?:(\d+)s)?")
_ELECTION = {
    "lease_duration_s": "leader-elect-lease-duration",
    "renew_deadline_s": "leader-elect-renew-deadline",
    "retry_period_s": "leader-elect-retry-period",
}


def cluster_name(told: Told) -> str:
    """What it was bootstrapped as or named by somebody, else the host's name."""
    if own := owner_of(told.keepalived) or owner_of(told.haproxy):
        return own
    names = (told.flag(MANAGER, "cluster-name"), told.flag(ETCD, "initial-cluster-token"))
    usual = ("", Kubernetes().cluster_name, Etcd().token)
    return host_name(next((name for name in names if name not in usual), told.name))


def etcd(told: Told) -> Settings:
    program = told.programs.get(ETCD)
    if program is None:
        return {}
    stacked = ETCD in told.static_pods
    client = urlsplit(_first(told.flag(ETCD, "advertise-client-urls")))
    tls = {"https": "certificates", "http": "off"}.get(client.scheme)
    said: dict[str, Value | None] = {
        "placement": "static-pod" if stacked else "systemd",
        "tls": "auto" if told.flag(ETCD, "auto-tls") == "true" else tls,
        "client_port": client.port,
        "peer_port": urlsplit(_first(told.flag(ETCD, "initial-advertise-peer-urls"))).port,
        "metrics_port": _plain_port(told.flag(ETCD, "listen-metrics-urls")),
        "data_dir": told.flag(ETCD, "data-dir") or None,
        "pki_dir": None if stacked else program.folder("trusted-ca-file", "cert-file"),
        "config_file": None if stacked else told.etcd_file or None,
        "binary": None if stacked else program.path or None,
        "token": told.flag(ETCD, "initial-cluster-token") or None,
        "heartbeat_ms": _whole(told.flag(ETCD, "heartbeat-interval")),
        "election_ms": _whole(told.flag(ETCD, "election-timeout")),
        "quota_bytes": _whole(told.flag(ETCD, "quota-backend-bytes")) or None,
    }
    return other_than(Etcd(), said)


def kubernetes(told: Told, version: str | None, balancer: str, own: str) -> Settings:
    """`balancer` is the address and port that an inventory takes the API to be at by itself."""
    by_kubeadm = API in told.static_pods
    api, manager = told.programs.get(API), told.programs.get(MANAGER)
    server = urlsplit(told.server)
    named = f"{server.hostname}:{server.port or 443}"
    elsewhere = server.hostname not in (None, "localhost", "127.0.0.1", own) and named != balancer
    said: dict[str, Value | None] = {
        "deployment": "kubeadm" if by_kubeadm else "systemd",
        "endpoint": named if elsewhere else None,
        "api_port": _whole(told.flag(API, "secure-port")),
        "service_cidr": _first(told.flag(API, "service-cluster-ip-range")) or None,
        "pod_cidr": _first(told.flag(MANAGER, "cluster-cidr")) or None,
        "cluster_name": told.flag(MANAGER, "cluster-name") or None,
        "pki_dir": api.folder("client-ca-file") if api else None,
        "config_dir": manager.folder("kubeconfig") if manager else None,
        "binary_dir": (api.path.rpartition("/")[0] or None) if api and not by_kubeadm else None,
        "version": version,
        "leader_election": other_than(
            LeaderElection(), {name: _seconds(told.flag(MANAGER, flag)) for name, flag in _ELECTION.items()}
        )
        or None,
    }
    return other_than(Kubernetes(), said, always=("deployment",))


def haproxy(told: Told, balanced: Balanced) -> Settings:
    said: dict[str, Value | None] = {
        "bind_port": balanced.bind_port or None,
        "config_file": told.flag(HAPROXY, "f") or None,
        "stats_socket": balanced.stats_socket or None,
        "balance": balanced.balance or None,
    }
    return other_than(Haproxy(), said)


def keepalived(told: Told) -> Settings:
    path = told.flag(KEEPALIVED, "f") or told.flag(KEEPALIVED, "use-file")
    return other_than(Keepalived(), {"config_file": path or None})


def other_than(default: object, said: Mapping[str, Value | None], always: tuple[str, ...] = ()) -> dict[str, Value]:
    """What is said otherwise than `default` has it, and what is `always` told."""
    return {
        key: value
        for key, value in said.items()
        if value is not None and (key in always or str(getattr(default, key)) != str(value))
    }


def _first(listed: str) -> str:
    return listed.partition(",")[0]


def _plain_port(urls: str) -> int | None:
    return next((urlsplit(one).port for one in urls.split(",") if one.startswith("http://")), None)


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _seconds(text: str) -> int | None:
    """Of a duration as Go writes it; None for what is not whole minutes and seconds."""
    found = _DURATION.fullmatch(text)
    return int(found[1] or 0) * 60 + int(found[2] or 0) if found and text else None
