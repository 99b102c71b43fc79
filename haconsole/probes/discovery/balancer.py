"""Drafts the haproxy and keepalived parts of an inventory from their configurations of any origin."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import msgspec

from haconsole.inventory.importers.draft import Omitted, Value
from haconsole.inventory.schema import VirtualIp
from haconsole.probes.balancers import haproxy_config
from haconsole.probes.balancers.haproxy_config import ConfiguredServer, HaproxyConfig, Proxy
from haconsole.probes.balancers.keepalived_config import ConfiguredInstance, ConfiguredVip, configured
from haconsole.probes.balancers.keepalived_lines import EndlessConfigError
from haconsole.probes.discovery.host_report import API, HostReport

_API_PORT = 6443


class BalancedApi(msgspec.Struct, frozen=True):
    """haproxy's settings for the API: the backend, its port, servers by name and address, and the algorithm."""

    name: str
    bind_port: int
    """0 where no frontend with a port leads to the backend."""

    servers: tuple[tuple[str, str], ...]
    balance: str
    stats_socket: str
    named_hosts: tuple[str, ...] = ()
    """Names of servers that haproxy itself resolves; their addresses are not in its configuration."""

    others: tuple[str, ...] = ()
    """Further backends whose servers listen where API servers do."""


def balanced_api(report: HostReport) -> BalancedApi | None:
    """The first backend whose servers listen where API servers do; None where haproxy has none."""
    config = haproxy_config.configured(report.haproxy)
    ports = {_number(report.flag(API, "secure-port")) or _API_PORT, _API_PORT}
    frontends = [
        (proxy, servers)
        for proxy in config.proxies
        if not proxy.disabled and (servers := tuple(_on_ports(config, proxy, ports)))
    ]
    if not frontends:
        return None
    backend, servers = frontends[0]
    named = (one.address.host for one in servers if one.address.ip is None and not one.address.is_socket)
    return BalancedApi(
        name=backend.name,
        bind_port=next((bind.port for front in config.fronts(backend) for bind in front.binds if bind.port), 0),
        servers=tuple((one.name, one.address.ip) for one in servers if one.address.ip),
        balance=backend.balance,
        stats_socket=config.stats_socket,
        named_hosts=tuple(dict.fromkeys(filter(None, named))),
        others=tuple(proxy.name for proxy, _ in frontends[1:]),
    )


def undecided(report: HostReport) -> tuple[str, ...]:
    """Conditions in haproxy's configuration that could not be decided."""
    return haproxy_config.configured(report.haproxy).undecided


def _on_ports(config: HaproxyConfig, backend: Proxy, ports: set[int]) -> Iterator[ConfiguredServer]:
    """The servers that connections reach on one of `ports`; one without a port has that of the frontend."""
    fronts = {bind.port for front in config.fronts(backend) for bind in front.binds if bind.port}
    for server in backend.servers:
        address = server.address
        reached = {address.port} if address.port else {port + address.offset for port in fronts}
        if not address.is_socket and reached & ports:
            yield server


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None


def instances(report: HostReport) -> tuple[ConfiguredInstance, ...]:
    """The VRRP instances; none where the configuration has no end."""
    try:
        return configured(report.keepalived)
    except EndlessConfigError:
        return ()


def vips(report: HostReport) -> tuple[dict[str, Value], ...]:
    """Each as an inventory has it; a number that cannot be read is left out, as are further VIPs of an instance."""
    return tuple(vip for one in instances(report) for vip in _vips(one))


def main_vip(report: HostReport) -> str:
    """The first VIP of an inventory of this host; empty where there is none."""
    return next((one[0].address for one in map(_advertised, instances(report)) if one), "")


def excluded(report: HostReport) -> tuple[str, ...]:
    """Addresses that move with a VIP and are not in the adverts."""
    return tuple(vip.address for one in instances(report) for vip in one.vips if vip.excluded)


def virtual(report: HostReport) -> tuple[str, ...]:
    """The VIPs without prefix length."""
    return tuple(vip.address for one in instances(report) for vip in one.vips)


def peers(report: HostReport) -> Iterator[str]:
    """Addresses of the other balancers, where adverts go to each."""
    for one in instances(report):
        yield from one.unicast_peers


def priorities(report: HostReport) -> tuple[int, ...]:
    """The host's own, one for each instance that has another."""
    return tuple(dict.fromkeys(one.priority for one in instances(report)))


def priority(report: HostReport) -> int | None:
    """None where the host's instances have several."""
    several = priorities(report)
    return several[0] if len(several) == 1 else None


def _advertised(one: ConfiguredInstance) -> tuple[ConfiguredVip, ...]:
    """The VIPs in the adverts; link-local ones, which IPv6 needs as the first, are the last here."""
    vips = [vip for vip in one.vips if not vip.excluded]
    return tuple(sorted(vips, key=lambda vip: ip_address(vip.address).is_link_local))


def _vips(one: ConfiguredInstance) -> Iterator[dict[str, Value]]:
    main, *others = _advertised(one) or (None,)
    if main is None:
        return
    default = VirtualIp(address="")
    vip: dict[str, Value] = {"address": main.address if main.prefix is None else f"{main.address}/{main.prefix}"}
    if interface := main.interface or one.interface:
        vip["interface"] = interface
    if one.router_id:
        vip["router_id"] = one.router_id
    vip["mode"] = "unicast" if one.unicast_peers else "multicast"
    if one.advert_int_s != default.advert_int_s:
        vip["advert_int_s"] = one.advert_int_s
    if one.nopreempt:
        vip["preempt"] = False
    yield vip
    for other in others:
        both = f"VIPs {main.address} and {other.address} are both in VRRP instance {one.name}"
        reason = f"{both}; an inventory has only one of them"
        yield {"address": Omitted(reason)}
