"""The etcd member's systemd unit and environment file (etcd.io: Configuration options; etcd 3.4 to 3.6)."""

from __future__ import annotations

import ipaddress
from enum import StrEnum

from haconsole.configs.layout import EtcdLayout, layout
from haconsole.configs.owner import owner_line
from haconsole.inventory.effective import etcd_client_url, etcd_name, etcd_peer_url, join_host_port
from haconsole.inventory.schema import DiscoveryKind, EtcdTls, Host, Inventory
from haconsole.model.hosts import Role


class ClusterState(StrEnum):
    """Whether a member founds the cluster with the others or joins a running one."""

    NEW = "new"
    EXISTING = "existing"


def etcd_unit(inventory: Inventory) -> str:
    """etcd.service. Being ready means having found a quorum, so starting has no time limit of its own."""
    paths = layout(inventory).etcd
    return f"""\
{owner_line(inventory)}
[Unit]
Description=etcd member of the cluster {inventory.cluster}
Documentation=https://etcd.io/docs/
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
User={paths.user}
EnvironmentFile={paths.env_file}
ExecStart={paths.binary}
Restart=always
RestartSec=3
TimeoutStartSec=infinity
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""


def etcd_env(
    inventory: Inventory,
    host: Host,
    *,
    state: ClusterState = ClusterState.NEW,
    members: tuple[tuple[str, str], ...] | None = None,
    discover: bool = False,
) -> str:
    """The member's settings as ``ETCD_…`` variables.

    `members` are (name, peer URL) pairs for ``--initial-cluster``; None takes every etcd host of the inventory, which
    is right for a new cluster. etcd reads the initial settings only while its data directory is empty. With `discover`
    the members find each other as in the inventory. Only the founders may have that, for their first start.
    """
    paths = layout(inventory).etcd
    settings = (
        *_identity(inventory, host, paths),
        *(_discovery(inventory) if discover else ()),
        *_initial_cluster(inventory, state, members, discover=discover),
        *_tls(paths, host),
        *_tuning(inventory, paths),
    )
    lines = (owner_line(inventory), *(f"{name}={value}" for name, value in settings))
    return "\n".join(lines) + "\n"


def _identity(inventory: Inventory, host: Host, paths: EtcdLayout) -> tuple[tuple[str, str], ...]:
    loopback = "::1" if ipaddress.ip_address(host.address).version == 6 else "127.0.0.1"
    local_url = f"{paths.scheme}://{join_host_port(loopback, paths.client_port)}"
    client_url, peer_url = etcd_client_url(inventory, host), etcd_peer_url(inventory, host)
    return (
        ("ETCD_NAME", etcd_name(host)),
        ("ETCD_DATA_DIR", paths.data_dir),
        ("ETCD_LISTEN_PEER_URLS", peer_url),
        ("ETCD_LISTEN_CLIENT_URLS", f"{local_url},{client_url}"),
        ("ETCD_INITIAL_ADVERTISE_PEER_URLS", peer_url),
        ("ETCD_ADVERTISE_CLIENT_URLS", client_url),
    )


def discovers(inventory: Inventory) -> bool:
    """Whether the founders find each other by a service, not by a list of members."""
    return inventory.etcd.discovery.kind is not DiscoveryKind.STATIC


def _discovery(inventory: Inventory) -> tuple[tuple[str, str], ...]:
    """One member too many exits; by default etcd up to 3.5 would become a proxy."""
    discovery = inventory.etcd.discovery
    match discovery.kind:
        case DiscoveryKind.URL:
            return (("ETCD_DISCOVERY", discovery.value or ""), ("ETCD_DISCOVERY_FALLBACK", "exit"))
        case DiscoveryKind.SRV:
            return (("ETCD_DISCOVERY_SRV", discovery.value or ""),)
        case DiscoveryKind.STATIC:
            return ()


def _initial_cluster(
    inventory: Inventory, state: ClusterState, members: tuple[tuple[str, str], ...] | None, *, discover: bool
) -> tuple[tuple[str, str], ...]:
    """The list of members; from a discovery URL etcd takes the token and the list itself, from SRV records the list."""
    discovery = inventory.etcd.discovery
    by_url = discovery.kind is DiscoveryKind.URL
    token = (discovery.value or "") if by_url else inventory.etcd.token
    common = (("ETCD_INITIAL_CLUSTER_STATE", state.value), ("ETCD_INITIAL_CLUSTER_TOKEN", token))
    if discover and discovery.kind is not DiscoveryKind.STATIC:
        return () if by_url else common
    pairs = members or tuple(
        (etcd_name(host), etcd_peer_url(inventory, host)) for host in inventory.with_role(Role.ETCD)
    )
    return (("ETCD_INITIAL_CLUSTER", ",".join(f"{name}={url}" for name, url in pairs)), *common)


def _tls(paths: EtcdLayout, host: Host) -> tuple[tuple[str, str], ...]:
    if paths.tls is EtcdTls.AUTO:
        return (("ETCD_AUTO_TLS", "true"), ("ETCD_PEER_AUTO_TLS", "true"))
    if paths.pki is None:
        return ()
    pki = paths.pki.on(host)
    return (
        ("ETCD_CERT_FILE", pki.server.cert),
        ("ETCD_KEY_FILE", pki.server.key),
        ("ETCD_TRUSTED_CA_FILE", pki.ca.cert),
        ("ETCD_CLIENT_CERT_AUTH", "true"),
        ("ETCD_PEER_CERT_FILE", pki.peer.cert),
        ("ETCD_PEER_KEY_FILE", pki.peer.key),
        ("ETCD_PEER_TRUSTED_CA_FILE", pki.ca.cert),
        ("ETCD_PEER_CLIENT_CERT_AUTH", "true"),
    )


def _tuning(inventory: Inventory, paths: EtcdLayout) -> tuple[tuple[str, str], ...]:
    etcd = inventory.etcd
    metrics = ((("ETCD_LISTEN_METRICS_URLS", f"http://127.0.0.1:{paths.metrics_port}")),) if paths.metrics_port else ()
    return (
        ("ETCD_HEARTBEAT_INTERVAL", str(etcd.heartbeat_ms)),
        ("ETCD_ELECTION_TIMEOUT", str(etcd.election_ms)),
        ("ETCD_QUOTA_BACKEND_BYTES", str(etcd.quota_bytes)),
        *metrics,
    )
