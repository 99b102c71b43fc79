"""Details of one host: reach, services, and every other fact observed on it."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.hosts import (
    ApiserverFacts,
    DiskSpace,
    HostFacts,
    InterfaceAddress,
    Reach,
    Role,
    ServiceKind,
    ServiceState,
)
from haconsole.model.names import HostName
from haconsole.model.observed import Known, Observed, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import seconds_since, span, timestamp
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence
from haconsole.present.details.balancing import haproxy, keepalived
from haconsole.present.details.common import known, listed, observation, optional
from haconsole.present.details.etcd import endpoint
from haconsole.present.facts import aged, size
from haconsole.present.hosts import SHORT_ROLES, clock_cell, reach_cell


def about_host(snapshot: ClusterSnapshot, host: HostName, now: datetime) -> Detail | None:
    """Every fact of the host with its time, or with the reason why it is unknown."""
    facts = snapshot.host(host)
    if facts is None:
        return None
    return Detail(f"host {host}", (*_reach(facts, now), *_services(facts, now), *_parts(facts, now)))


def _reach(facts: HostFacts, now: datetime) -> tuple[Item, ...]:
    return (
        Fact("address", Cell(facts.address)),
        Fact("roles", listed(tuple(SHORT_ROLES[role] for role in facts.roles))),
        Fact("SSH", reach_cell(facts)),
        *_connection(facts.reach, now),
        *observation(facts.reach, now, "SSH checked"),
        Fact("clock offset", aged(clock_cell(facts.clock_offset_ms), facts.clock_offset_ms, now)),
        *(observation(facts.clock_offset_ms, now, "clock read") if isinstance(facts.clock_offset_ms, Known) else ()),
        *(Sentence(Cell(note), "·") for note in facts.notes),
    )


def _connection(reach: Observed[Reach], now: datetime) -> tuple[Item, ...]:
    """When the connection in use was opened, and how long that took; it is no current latency."""
    value = value_of(reach)
    if value is None:
        return ()
    since = value.connected_at
    opened = f", opened {timestamp(since, now)} UTC, {span(seconds_since(since, now))} ago" if since else ""
    return (Fact("connection", Cell(f"took {value.connect_ms:.0f} ms to open{opened}", Tone.MUTED)),)


def _services(facts: HostFacts, now: datetime) -> tuple[Item, ...]:
    def tell(units: tuple[ServiceState, ...]) -> tuple[Item, ...]:
        return tuple(Fact(unit.name, _service(unit, now)) for unit in units)

    return (Heading("Services"), *observation(facts.services, now), *known(facts.services, tell))


def _service(unit: ServiceState, now: datetime) -> Cell:
    kind = "static pod, " if unit.kind is ServiceKind.STATIC_POD else ""
    if not unit.exists:
        return Cell("no manifest" if kind else "absent", Tone.WARNING)
    since = f" since {timestamp(unit.since, now)}" if unit.since else ""
    pid = f", pid {unit.pid}" if unit.pid and unit.running else ""
    restarts = f", restarted {unit.restarts} times" if unit.restarts else ""
    boot = "" if unit.enabled is None or unit.enabled else ", not enabled at boot"
    sign, tone = ("●", Tone.GOOD) if unit.running else ("✖", Tone.CRITICAL)
    return Cell(f"{sign} {kind}{unit.active} ({unit.sub}){since}{pid}{restarts}{boot}", tone)


def _parts(facts: HostFacts, now: datetime) -> tuple[Item, ...]:
    items: tuple[Item, ...] = ()
    if facts.has(Role.CONTROL_PLANE):
        items += (Heading("apiserver"), *observation(facts.apiserver, now), *known(facts.apiserver, apiserver))
    if facts.has(Role.ETCD):
        items += (Heading("etcd"), *observation(facts.etcd, now), *known(facts.etcd, endpoint))
    if facts.has(Role.LOAD_BALANCER):
        items += (Heading("keepalived"), *observation(facts.keepalived, now), *known(facts.keepalived, keepalived))
        items += (Heading("haproxy"), *observation(facts.haproxy, now), *known(facts.haproxy, haproxy))
    items += (Heading("Disks"), *observation(facts.disks, now), *known(facts.disks, _disks))
    return (*items, Heading("Addresses"), *observation(facts.addresses, now), *known(facts.addresses, _addresses))


def apiserver(value: ApiserverFacts) -> tuple[Item, ...]:
    ready = Cell("● ready", Tone.GOOD) if value.ready else Cell("✖ not ready", Tone.CRITICAL)
    failing = (Fact("failing checks", Cell(", ".join(value.failing), Tone.CRITICAL)),) if value.failing else ()
    servers = (Fact("etcd servers", listed(value.etcd_servers)),) if value.etcd_servers else ()
    return (Fact("/readyz", ready), *failing, Fact("version", optional(value.version)), *servers)


def _disks(disks: tuple[DiskSpace, ...]) -> tuple[Item, ...]:
    return tuple(Fact(disk.path, Cell(f"{size(disk.free_bytes)} free of {size(disk.size_bytes)}")) for disk in disks)


def _addresses(addresses: tuple[InterfaceAddress, ...]) -> tuple[Item, ...]:
    return tuple(Fact(each.interface, Cell(f"{each.address}/{each.prefix}")) for each in addresses)
