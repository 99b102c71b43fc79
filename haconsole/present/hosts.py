"""The hosts pane: the connection of each host and its services."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from haconsole.model.component import Verdict, verdict
from haconsole.model.hosts import (
    CLOCK_SKEW_MS,
    DISK_FULL,
    DISK_LOW,
    DiskSpace,
    HostFacts,
    Reach,
    Role,
    ServiceState,
)
from haconsole.model.observed import Cause, Failed, Known, NotAsked, Observed
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import SELDOM_S, clock
from haconsole.present.cells import NOTHING, UNKNOWN, Cell, Tone, remembered
from haconsole.present.facts import aged, display_of, last_known, oldest, size
from haconsole.present.row_keys import HostKey
from haconsole.present.table import Column, Row, TableView

COLUMNS = (
    Column("HOST", least=6),
    Column("SSH"),
    Column("SERVICES", least=14),
    Column("API", rank=1),
    Column("DISK FREE", rank=2),
    Column("CLOCK", rank=3, right=True),
    Column("ADDRESS", rank=6),
    Column("ROLES", rank=9),
)
SHORT_ROLES = {
    Role.ETCD: "etcd",
    Role.CONTROL_PLANE: "control-plane",
    Role.LOAD_BALANCER: "balancer",
    Role.WORKER: "worker",
    Role.BASTION: "bastion",
}


def hosts_table(snapshot: ClusterSnapshot) -> TableView:
    return TableView(
        title="hosts",
        columns=COLUMNS,
        rows=tuple(_row(facts, snapshot.observed_at) for facts in snapshot.hosts),
        at=oldest(fact for facts in snapshot.hosts for fact in _facts(facts)),
        warn_s=SELDOM_S,
        summaries=_summaries(snapshot),
        empty=Cell("the inventory has no hosts", Tone.MUTED),
    )


def _facts(facts: HostFacts) -> tuple[Observed[Any], ...]:
    """The facts that a row shows."""
    return (facts.reach, facts.services, facts.apiserver, facts.disks, facts.clock_offset_ms)


def lost_since(facts: HostFacts) -> Cell:
    """The time of the newest fact of a host that is not reachable."""
    last = last_known((facts.reach, facts.services, facts.addresses, facts.etcd, facts.haproxy))
    return Cell(f"✖ lost {clock(last)}" if last else "✖ not reached", Tone.CRITICAL)


def reach_cell(facts: HostFacts) -> Cell:
    reach: Observed[Reach] = facts.reach
    if isinstance(reach, Known):
        return Cell("● reached", Tone.GOOD)
    return lost_since(facts) if isinstance(reach, Failed) else Cell("? connecting", Tone.UNKNOWN)


def services_cell(services: Observed[tuple[ServiceState, ...]]) -> Cell:
    """The number of running services of the host; stopped ones by name."""
    known = display_of(services)
    if known.value is None:
        return UNKNOWN if not isinstance(services, NotAsked) else NOTHING
    there = tuple(unit for unit in known.value if unit.exists)
    down = tuple(unit for unit in there if not unit.running)
    if not there:
        return Cell("none installed", Tone.MUTED)
    if not down:
        return Cell(f"● {len(there)}/{len(there)} active", Tone.GOOD)
    states = "; ".join(
        f"{state}: {', '.join(unit.name.removeprefix('kube-') for unit in down if unit.active == state)}"
        for state in dict.fromkeys(unit.active for unit in down)
    )
    return Cell(f"✖ {len(there) - len(down)}/{len(there)} {states}", Tone.CRITICAL)


def api_cell(facts: HostFacts) -> Cell:
    """The state of the host's API server; unknown where it could not be queried."""
    api = facts.apiserver
    if isinstance(api, Failed) and api.cause in (Cause.NOT_CONFIGURED, Cause.NOT_INSTALLED):
        return Cell("not set up", Tone.MUTED)
    match verdict(facts, "kube-apiserver", api):
        case Verdict.ANSWERS:
            assert isinstance(api, Known)
            ready, failing = api.value.ready, api.value.failing
            return Cell("● ready", Tone.GOOD) if ready else Cell(f"✖ not ready ({len(failing)})", Tone.CRITICAL)
        case Verdict.DOWN if not isinstance(facts.reach, Failed):
            return Cell("✖ down", Tone.CRITICAL)
        case Verdict.SILENT if not isinstance(facts.reach, Failed):
            return Cell("✖ no answer", Tone.CRITICAL)
        case Verdict.WAITING:
            return Cell("? not queried yet", Tone.UNKNOWN)
        case _:
            return Cell("? no answer", Tone.UNKNOWN)


def _api(facts: HostFacts) -> Cell:
    if isinstance(facts.apiserver, NotAsked):
        return NOTHING
    is_lost = isinstance(facts.reach, Failed) and not isinstance(facts.apiserver, Known)
    return UNKNOWN if is_lost else api_cell(facts)


def disk_cell(disks: Observed[tuple[DiskSpace, ...]]) -> Cell:
    """The tightest file system, as a share and in bytes."""
    known = display_of(disks)
    if not known.value:
        return NOTHING if isinstance(disks, NotAsked) else UNKNOWN
    tightest = min(known.value, key=lambda disk: disk.free_bytes / max(disk.size_bytes, 1))
    share = tightest.free_bytes / max(tightest.size_bytes, 1)
    text = f"{share:.0%} {size(tightest.free_bytes)}"
    if share < DISK_FULL:
        return Cell(f"✖ {text}", Tone.CRITICAL)
    return Cell(f"▲ {text}", Tone.WARNING) if share < DISK_LOW else Cell(text)


def clock_cell(offset: Observed[float]) -> Cell:
    known = display_of(offset)
    if known.value is None:
        return NOTHING if isinstance(offset, NotAsked) else UNKNOWN
    text = f"{known.value:+.0f}ms" if abs(known.value) < 10_000 else f"{known.value / 1000:+.0f}s"
    return Cell(f"▲ {text}", Tone.WARNING) if abs(known.value) > CLOCK_SKEW_MS else Cell(text, Tone.MUTED)


def roles_cell(roles: tuple[Role, ...]) -> Cell:
    return Cell(" ".join(SHORT_ROLES[role] for role in roles), Tone.MUTED)


def _row(facts: HostFacts, now: datetime) -> Row:
    is_unreachable = isinstance(facts.reach, Failed)
    cells = (
        Cell(facts.host),
        reach_cell(facts),
        aged(services_cell(facts.services), facts.services, now),
        _api(facts),
        aged(disk_cell(facts.disks), facts.disks, now),
        aged(clock_cell(facts.clock_offset_ms), facts.clock_offset_ms, now),
        Cell(facts.address, Tone.MUTED),
        roles_cell(facts.roles),
    )
    return Row(HostKey(facts.host), _dim(cells) if is_unreachable else cells)


def _dim(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(
        cell if index == 1 or cell.tone is Tone.UNKNOWN else remembered(cell) for index, cell in enumerate(cells)
    )


def _summaries(snapshot: ClusterSnapshot) -> tuple[Cell, ...]:
    there = sum(isinstance(facts.reach, Known) for facts in snapshot.hosts)
    count = len(snapshot.hosts)
    unreachable = tuple(facts.host for facts in snapshot.hosts if isinstance(facts.reach, Failed))
    if unreachable:
        tone = Tone.CRITICAL
        return (
            Cell(f"✖ {there}/{count} hosts reached, not reached: {', '.join(unreachable)}", tone),
            Cell(f"✖ {there}/{count}", tone),
        )
    waiting = there < count
    tone = Tone.UNKNOWN if waiting else Tone.GOOD
    return (Cell(f"{'?' if waiting else '●'} {there}/{count} reached", tone),)
