"""haproxy's and keepalived's part, from their configurations of any origin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from haconsole.inventory.importers.draft import Value
from haconsole.inventory.schema import VirtualIp
from haconsole.probes.balancers import haproxy_config
from haconsole.probes.balancers.haproxy_config import ConfiguredServer, HaproxyConfig, Proxy
from haconsole.probes.balancers.keepalived_config import ConfiguredInstance, configured
from haconsole.probes.balancers.keepalived_lines import EndlessConfigError
from haconsole.probes.discovery.host_report import API, HostReport

_API_PORT = 6443


@dataclass(frozen=True, slots=True)
class BalancedApi:
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
    """Each as an inventory has it; a number that cannot be read is left out."""
    return tuple(vip for one in instances(report) for vip in _vips(one))


def virtual(report: HostReport) -> tuple[str, ...]:
    """The VIPs without prefix length."""
    return tuple(vip.address for one in instances(report) for vip in one.vips)


def peers(report: HostReport) -> Iterator[str]:
    """Addresses of the other balancers, where adverts go to each."""
    for one in instances(report):
        yield from one.unicast_peers


def priority(report: HostReport) -> int | None:
    """The host's own; None where its instances have several."""
    priorities = {one.priority for one in instances(report)}
    return priorities.pop() if len(priorities) == 1 else None


def _vips(one: ConfiguredInstance) -> Iterator[dict[str, Value]]:
    default = VirtualIp(address="")
    for each in one.vips:
        if each.excluded:
            continue
        vip: dict[str, Value] = {"address": each.address if each.prefix is None else f"{each.address}/{each.prefix}"}
        if interface := each.interface or one.interface:
            vip["interface"] = interface
        if one.router_id:
            vip["router_id"] = one.router_id
        vip["mode"] = "unicast" if one.unicast_peers else "multicast"
        if one.advert_int_s != default.advert_int_s:
            vip["advert_int_s"] = one.advert_int_s
        if one.nopreempt:
            vip["preempt"] = False
        yield vip
