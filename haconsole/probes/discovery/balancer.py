"""haproxy's and keepalived's part, as their configurations tell it, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from haconsole.inventory.importers.draft import Value
from haconsole.inventory.schema import VirtualIp
from haconsole.probes.balancers.keepalived_config import Block, read
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


def instances(report: HostReport) -> tuple[Block, ...]:
    return tuple(block for block in read(report.keepalived).all("vrrp_instance") if len(block.words) > 1)


def vips(report: HostReport) -> tuple[dict[str, Value], ...]:
    """Each as an inventory has it; a number that cannot be read is left out."""
    return tuple(vip for block in instances(report) for vip in _vips(block))


def virtual(report: HostReport) -> tuple[str, ...]:
    """The VIPs without prefix length."""
    return tuple(str(vip["address"]).partition("/")[0] for vip in vips(report))


def peers(report: HostReport) -> Iterator[str]:
    """Addresses of the other balancers, where adverts go to each."""
    for block in instances(report):
        yield from (line.words[0] for section in block.all("unicast_peer") for line in section.inside)


def priority(report: HostReport) -> int | None:
    """The host's own; None where its instances have several."""
    values = {block.value("priority", "100") for block in instances(report)}
    only = values.pop() if len(values) == 1 else ""
    return int(only) if only.isdecimal() else None


def _vips(block: Block) -> Iterator[dict[str, Value]]:
    default, router, advert = VirtualIp(address=""), block.value("virtual_router_id"), block.value("advert_int", "1")
    for line in (line for section in block.all("virtual_ipaddress") for line in section.inside):
        words = list(line.words)
        vip: dict[str, Value] = {"address": words[0]}
        if interface := words[words.index("dev") + 1] if "dev" in words[:-1] else block.value("interface"):
            vip["interface"] = interface
        if router.isdecimal():
            vip["router_id"] = int(router)
        vip["mode"] = "unicast" if block.first("unicast_peer") else "multicast"
        if advert.replace(".", "", 1).isdecimal() and float(advert) != default.advert_int_s:
            vip["advert_int_s"] = float(advert)
        if block.first("nopreempt"):
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
