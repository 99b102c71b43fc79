"""The lease pane: the holder of each lease."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.lease import Lease, LeaseState
from haconsole.model.observed import Failed, NotAsked
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import span, timestamp
from haconsole.present.cells import NOTHING, Cell, Tone
from haconsole.present.facts import display_of, oldest, since_cell
from haconsole.present.row_keys import LeaseKey
from haconsole.present.table import Column, Row, TableView

SYSTEM = "kube-system"
COLUMNS = (
    Column("LEASE", least=10),
    Column("HOLDER", least=6),
    Column("STATE", least=9),
    Column("RENEWED", rank=1, right=True),
    Column("SINCE", rank=2),
    Column("MOVES", rank=3, right=True),
    Column("FROM", rank=4),
)


def leases_table(snapshot: ClusterSnapshot, now: datetime) -> TableView:
    """One row per lease; `now` decides what has expired, so that a lease without renewals is shown to lapse."""
    display = display_of(snapshot.leases)
    leases = display.value or ()
    return TableView(
        title="lease holders",
        columns=COLUMNS,
        rows=tuple(_row(lease, now, display.since) for lease in leases),
        at=oldest((snapshot.leases,)),
        summaries=_summaries(snapshot, leases, now),
        empty=_empty(snapshot),
    )


def lease_name(lease: Lease) -> str:
    """The lease's name without the part common to all of Kubernetes' own."""
    return lease.name.removeprefix("kube-") if lease.namespace == SYSTEM else f"{lease.namespace}/{lease.name}"


def renewed_cell(lease: Lease, now: datetime) -> Cell:
    """The age of the last renewal; a timely renewal is not counted, to avoid needless changes on screen."""
    age_s = lease.age_s(now)
    if age_s is None:
        return NOTHING
    seconds = max(0, int(age_s))
    in_time = seconds <= lease.duration_s // 2
    return Cell("in time", Tone.MUTED) if in_time else Cell(f"{span(seconds)} ago", Tone.WARNING)


def holder_cell(lease: Lease) -> Cell:
    if not lease.holder:
        return NOTHING
    return Cell(lease.host, Tone.ACCENT) if lease.host else Cell(f"? {lease.holder}", Tone.WARNING)


def state_cell(lease: Lease, now: datetime) -> Cell:
    """The lease's state; for a renewal that is late, but not yet too late, with its delay."""
    age_s = lease.age_s(now)
    late = int(age_s) if age_s is not None else None
    match lease.state(now):
        case LeaseState.HELD if late is not None and late > lease.duration_s // 2:
            return Cell(f"▲ late {late}s", Tone.WARNING)
        case LeaseState.HELD:
            return Cell("● held", Tone.GOOD)
        case LeaseState.EXPIRED:
            return Cell("✖ expired", Tone.CRITICAL)
        case LeaseState.RELEASED:
            return Cell("✖ released", Tone.CRITICAL)


def _row(lease: Lease, now: datetime, since: datetime | None) -> Row:
    acquired = Cell(timestamp(lease.acquired_at, now)) if lease.acquired_at else NOTHING
    state = Cell(f"? {since_cell(since).text}", Tone.UNKNOWN) if since else state_cell(lease, now)
    cells = (
        Cell(lease_name(lease)),
        holder_cell(lease),
        state,
        renewed_cell(lease, now),
        acquired,
        Cell(str(lease.transitions)),
        Cell(str(lease.source), Tone.MUTED),
    )
    return Row(LeaseKey(lease.namespace, lease.name), cells, stale=since is not None)


def _summaries(snapshot: ClusterSnapshot, leases: tuple[Lease, ...], now: datetime) -> tuple[Cell, ...]:
    if isinstance(snapshot.leases, Failed):
        return tuple(Cell(f"? {text}".rstrip(), Tone.UNKNOWN) for text in (snapshot.leases.reason, "unreadable", ""))
    if isinstance(snapshot.leases, NotAsked):
        return (Cell("? not queried yet", Tone.UNKNOWN), Cell("?", Tone.UNKNOWN))
    if not leases:
        return (Cell("none", Tone.MUTED),)
    count = sum(lease.state(now) is LeaseState.HELD for lease in leases)
    sign, tone = ("●", Tone.GOOD) if count == len(leases) else ("✖", Tone.CRITICAL)
    return (Cell(f"{sign} {count}/{len(leases)} held", tone), Cell(f"{sign} {count}/{len(leases)}", tone))


def _empty(snapshot: ClusterSnapshot) -> Cell:
    if isinstance(snapshot.leases, Failed):
        return Cell(f"? not known: {snapshot.leases.reason}", Tone.UNKNOWN)
    if isinstance(snapshot.leases, NotAsked):
        return Cell("? not queried yet", Tone.UNKNOWN)
    return Cell("there are no leases", Tone.MUTED)
