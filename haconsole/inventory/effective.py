"""An inventory with defaults and overrides applied: pure queries for the other layers."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from haconsole.inventory.schema import Deployment, EtcdTls, Haproxy, Host, Inventory, Sudo, VirtualIp
from haconsole.model.names import HostName, Vip
from haconsole.model.roles import LOCK_ROLES, Role

if TYPE_CHECKING:
    from haconsole.model.vip import LeasedVip

_PRIORITIES = tuple(dict.fromkeys((*range(100, 0, -10), *range(99, 0, -1), *range(101, 255))))
"""VRRP priorities in the order they are handed out: tens first, so that others fit in between."""

DIRECT = "none"
"""The value of `ssh.jump` for a direct connection to this host, whatever the cluster's `ssh.jump` is."""


_PRODUCTS = {Deployment.K0S: "k0s", Deployment.RKE2: "RKE2", Deployment.KUBEASZ: "kubeasz"}
"""Products whose clusters are only watched."""


def why_watched_only(inventory: Inventory) -> str:
    """The reason why no action changes this cluster; empty where actions are possible."""
    product = _PRODUCTS.get(inventory.kubernetes.deployment) if inventory.kubernetes else None
    return (
        f"{product} runs this cluster, which is only watched; change the cluster with {product}'s own commands"
        if product
        else ""
    )


def is_read_only(inventory: Inventory) -> bool:
    """Whether the console changes nothing, by the inventory."""
    return inventory.read_only or bool(why_watched_only(inventory))


class OutsideHost(msgspec.Struct, frozen=True):
    """A jump host that is not in the inventory, as in ``[user@]host[:port]``; None means the login's own or 22."""

    host: str
    user: str | None = None
    port: int | None = None


Jump: TypeAlias = HostName | OutsideHost


class EffectiveSsh(msgspec.Struct, frozen=True):
    """The connection from the operator to one host.

    `user` None: the operator's own login name. `port_given` False: ssh_config may name another port than 22;
    `connect_timeout_given` False: it may name another limit. Paths are absolute; None means ssh's own defaults. `jump`
    is a host of the inventory by name, an external one, or None.
    """

    address: str
    user: str | None
    port: int
    port_given: bool
    identity_file: Path | None
    known_hosts: Path | None
    config: Path | None
    jump: Jump | None
    sudo: Sudo
    connect_timeout_s: float
    connect_timeout_given: bool


def ssh_for(inventory: Inventory, host: Host) -> EffectiveSsh:
    """The host's own `ssh` over the cluster's over the defaults, key by key."""
    own, cluster = host.ssh, inventory.ssh
    port = own.port or cluster.port
    timeout = own.connect_timeout_s or cluster.connect_timeout_s
    return EffectiveSsh(
        address=host.ssh_address or host.address,
        user=own.user or cluster.user,
        port=port or 22,
        port_given=port is not None,
        identity_file=_path(own.identity_file or cluster.identity_file),
        known_hosts=_path(own.known_hosts or cluster.known_hosts),
        config=_path(own.config or cluster.config),
        jump=jump_for(inventory, host),
        sudo=own.sudo or cluster.sudo or Sudo.PASSWORDLESS,
        connect_timeout_s=timeout or 10.0,
        connect_timeout_given=timeout is not None,
    )


def jump_for(inventory: Inventory, host: Host) -> Jump | None:
    """The jump host of `host`. A bastion is reached directly unless its own `ssh.jump` names another."""
    jump = host.ssh.jump
    if jump is None and Role.BASTION not in host.roles:
        jump = inventory.ssh.jump
    if jump is None or jump in (DIRECT, host.name):
        return None
    if inventory.find(jump) is not None:
        return HostName(jump)
    return outside_host(jump)


def outside_host(text: str) -> OutsideHost:
    """Split ``[user@]host[:port]``; an IPv6 address with a port is in brackets."""
    user, _, rest = text.rpartition("@")
    host, port = split_host_port(rest)
    return OutsideHost(host, user or None, port)


def split_host_port(text: str) -> tuple[str, int | None]:
    """``host:port``, ``[ipv6]:port``, ``host`` or a bare IPv6 address as its two parts."""
    if text.startswith("["):
        host, _, tail = text[1:].partition("]")
        return host, int(tail[1:]) if tail[1:].isdecimal() else None
    host, colon, port = text.rpartition(":")
    if not colon or ":" in host or not port.isdecimal():
        return text, None
    return host, int(port)


def is_address(text: str) -> bool:
    """Whether the text is an IP address, of either family."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def join_host_port(host: str, port: int) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def lock_hosts(inventory: Inventory) -> tuple[HostName, ...]:
    """The hosts that keep the cluster's lock, by their addresses: the same order in whatever order a file has them."""
    hosts = sorted(
        (host for host in inventory.hosts if set(host.roles) & set(LOCK_ROLES)), key=lambda host: host.address
    )
    return tuple(HostName(host.name) for host in hosts)


def etcd_name(host: Host) -> str:
    """The name of the host's etcd member."""
    return host.etcd_name or host.name


def etcd_scheme(inventory: Inventory) -> str:
    return "http" if inventory.etcd.tls is EtcdTls.OFF else "https"


SNAPSHOTS_END = "-snapshots"
"""The folder of etcd's snapshots is its data folder with this end."""


def snapshot_folder(inventory: Inventory) -> str:
    """The folder on etcd's hosts that keeps the snapshots taken before changes."""
    return f"{inventory.etcd.data_dir}{SNAPSHOTS_END}"


def etcd_client_url(inventory: Inventory, host: Host) -> str:
    return f"{etcd_scheme(inventory)}://{join_host_port(host.address, inventory.etcd.client_port)}"


def external_etcd_urls(inventory: Inventory) -> tuple[str, ...]:
    """The client URLs of an etcd outside the inventory; none where etcd runs on its hosts."""
    return inventory.etcd.external.endpoints if inventory.etcd.external else ()


def etcd_urls(inventory: Inventory) -> tuple[str, ...]:
    """The client URLs of all members, on the inventory's hosts or outside of them."""
    own = tuple(etcd_client_url(inventory, host) for host in inventory.with_role(Role.ETCD))
    return external_etcd_urls(inventory) or own


def split_url(url: str) -> tuple[str, int]:
    """Host and port of ``https://host:port``."""
    host, port = split_host_port(url.rpartition("://")[2])
    return host, port or 0


def etcd_peer_url(inventory: Inventory, host: Host) -> str:
    return f"{etcd_scheme(inventory)}://{join_host_port(host.address, inventory.etcd.peer_port)}"


def service_behind(inventory: Inventory, address: str, port: int) -> str:
    """The component that listens on a port that hosts of the cluster connect to; the address may be a VIP."""
    if address in vip_addresses(inventory):
        return "haproxy"
    return "etcd" if port in (inventory.etcd.client_port, inventory.etcd.peer_port) else "kube-apiserver"


def haproxy(inventory: Inventory) -> Haproxy | None:
    """The balancer's settings: as given, otherwise the defaults if a host is a load balancer, otherwise None."""
    if inventory.haproxy is not None:
        return inventory.haproxy
    return Haproxy() if inventory.with_role(Role.LOAD_BALANCER) else None


def endpoint(inventory: Inventory) -> tuple[str, int] | None:
    """Host and port of the load-balanced API: as given, otherwise the first VIP, otherwise the only host that can serve
    it.

    None if the inventory has no Kubernetes, or does not determine the clients' address.
    """
    kubernetes = inventory.kubernetes
    if kubernetes is None:
        return None
    if kubernetes.endpoint is not None:
        host, port = split_host_port(kubernetes.endpoint)
        return host, port or kubernetes.api_port
    balancers, control_planes = inventory.with_role(Role.LOAD_BALANCER), inventory.with_role(Role.CONTROL_PLANE)
    settings = haproxy(inventory)
    if inventory.vips and settings:
        return vip_address(inventory.vips[0]), settings.bind_port
    if inventory.kube_vip:
        return inventory.kube_vip.address, kubernetes.api_port
    if len(balancers) == 1 and settings:
        return balancers[0].address, settings.bind_port
    return (control_planes[0].address, kubernetes.api_port) if len(control_planes) == 1 else None


def outside_endpoint(inventory: Inventory) -> tuple[str, int] | None:
    """The API's endpoint where none of the inventory's hosts and VIPs of keepalived's has its address.

    It is a balancer outside of the cluster, or kube-vip's address.
    """
    balanced = endpoint(inventory)
    own = {*(host.address for host in inventory.hosts), *vip_addresses(inventory)}
    return balanced if balanced and balanced[0] not in own else None


def vip_address(vip: VirtualIp) -> Vip:
    """The address without its prefix length."""
    return Vip(vip.address.partition("/")[0])


def vip_prefix(vip: VirtualIp) -> int:
    """The given prefix length, otherwise that of a single address (32 or 128), like keepalived."""
    return ipaddress.ip_interface(vip.address).network.prefixlen


def vip_addresses(inventory: Inventory) -> tuple[Vip, ...]:
    """The VIPs that keepalived moves."""
    return tuple(vip_address(vip) for vip in inventory.vips)


def leased_vip(inventory: Inventory) -> LeasedVip | None:
    """The VIP that kube-vip moves, with its lease."""
    kube_vip = inventory.kube_vip
    if not kube_vip:
        return None
    from haconsole.model.vip import LeasedVip

    return LeasedVip(Vip(kube_vip.address), kube_vip.lease)


def watched_vips(inventory: Inventory) -> tuple[Vip, ...]:
    """Every VIP whose owner is watched: those of keepalived, then that of kube-vip."""
    leased = leased_vip(inventory)
    return (*vip_addresses(inventory), *((leased.address,) if leased else ()))


def vip_interface(inventory: Inventory, vip: VirtualIp, host: Host) -> str | None:
    """The interface of the VIP on `host`: the host's setting, otherwise the VIP's; None: query the host."""
    return host.interface or vip.interface


def vrrp_priority(inventory: Inventory, host: Host) -> int:
    """The VRRP priority of a balancer: the one set, else 100, 90, 80 … in the order of the file.

    Raises KeyError for a host that is no load balancer.
    """
    return vrrp_priorities(inventory)[HostName(host.name)]


def vrrp_priorities(inventory: Inventory) -> dict[HostName, int]:
    """Every balancer's priority, in the order of the file; numbers that a host claims are given to no other."""
    balancers = inventory.with_role(Role.LOAD_BALANCER)
    claimed = {host.vrrp_priority for host in balancers}
    free = (number for number in _PRIORITIES if number not in claimed)
    return {HostName(host.name): host.vrrp_priority or next(free) for host in balancers}


def vrrp_ranks(inventory: Inventory) -> dict[HostName, tuple[int, int]]:
    """The order in which balancers take a VIP: the priority, then the address (RFC 5798, section 6.4.3); no two are
    equal.
    """
    addresses = {HostName(host.name): int(ipaddress.ip_address(host.address)) for host in inventory.hosts}
    return {name: (priority, addresses[name]) for name, priority in vrrp_priorities(inventory).items()}


def service_ip(inventory: Inventory) -> str | None:
    """The API's own service address: the first usable one of `service_cidr`; None without Kubernetes."""
    if inventory.kubernetes is None:
        return None
    network = ipaddress.ip_network(inventory.kubernetes.service_cidr, strict=False)
    return str(network.network_address + 1)


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None
