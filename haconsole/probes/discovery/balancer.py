"""haproxy's and keepalived's part, as their configurations tell it, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from haconsole.inventory.importers.draft import Value
from haconsole.inventory.schema import VirtualIp
from haconsole.probes.balancers.keepalived_config import ConfiguredInstance, configured
from haconsole.probes.balancers.keepalived_lines import EndlessConfigError
from haconsole.probes.discovery.host_report import API, HostReport

_SECTIONS = ("global", "defaults", "listen", "frontend", "backend", "userlist", "peers", "resolvers", "cache")
_Part = list[list[str]]


@dataclass(frozen=True, slots=True)
class BalancedApi:
    """What haproxy has for the API: the backend, its port, servers by name and address, and how one is chosen."""

    name: str
    bind_port: int
    servers: tuple[tuple[str, str], ...]
    balance: str
    stats_socket: str


def balanced_api(report: HostReport) -> BalancedApi | None:
    """The backend whose servers listen where API servers do; None where haproxy has none."""
    ports = {report.flag(API, "secure-port", "6443"), "6443"}
    parts = _parts(report.haproxy)
    for (kind, name), lines in parts.items():
        servers = tuple(
            (words[1], words[2].rpartition(":")[0].strip("[]"))
            for words in lines
            if words[0] == "server" and len(words) > 2 and words[2].rpartition(":")[2] in ports
        )
        if kind in ("listen", "backend") and servers:
            fronts = (part for (_, front), part in parts.items() if ["default_backend", name] in part and front)
            binds = (words[1] for part in (lines, *fronts) for words in part if words[0] == "bind" and len(words) > 1)
            port = next((int(one) for bind in binds if (one := bind.rpartition(":")[2]).isdecimal()), 0)
            return BalancedApi(
                name,
                port,
                servers,
                _value("balance", lines, parts.get(("defaults", ""), [])),
                next((words[2] for words in parts.get(("global", ""), []) if words[:2] == ["stats", "socket"]), ""),
            )
    return None


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


def _value(keyword: str, *parts: _Part) -> str:
    return next((words[1] for part in parts for words in part if words[0] == keyword and len(words) > 1), "")


def _parts(text: str) -> dict[tuple[str, str], _Part]:
    """A haproxy.cfg by kind and name of its sections, each line in words, without comments."""
    parts: dict[tuple[str, str], _Part] = {}
    lines: _Part = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] in _SECTIONS:
            name = words[1] if len(words) > 1 and words[0] not in ("global", "defaults") else ""
            lines = parts.setdefault((words[0], name), [])
        elif words:
            lines.append(words)
    return parts
