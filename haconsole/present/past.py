"""Events from before the console was opened, as rows of the timeline and as a table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from haconsole.model.past import KERNEL, MANAGER, HostPast, PastEvent, PastKind
from haconsole.model.past_lanes import member_names
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import timestamp
from haconsole.present.cells import Cell, Tone
from haconsole.present.changes import KEPT, SnapshotChange
from haconsole.present.row_keys import EventKey
from haconsole.present.table import Column, Row, TableView

BAD = (PastKind.OUT_OF_MEMORY, PastKind.LEADER_LOST)
NOTABLE = (PastKind.BOOT, PastKind.SHUTDOWN, PastKind.CLOCK, PastKind.TIME_OUT, PastKind.SLOW_DISK, PastKind.RESTART)
COLUMNS = (Column("TIME"), Column("HOST", least=6), Column("EVENT", least=16))


def all_events(pasts: Iterable[HostPast], snapshot: ClusterSnapshot) -> tuple[PastEvent, ...]:
    """The events of all hosts, oldest first, with the names of etcd's members."""
    names = member_names(snapshot)
    events = (event.named(names) for past in pasts for event in past.events)
    return tuple(sorted(events, key=lambda event: event.at))


def past_cell(event: PastEvent) -> Cell:
    """An event in one cell."""
    times = f" ({event.times} times)" if event.times > 1 else ""
    sign, tone = _sign(event)
    source = "" if event.source in (MANAGER, KERNEL) else f"{event.source} "
    return Cell(f"{sign}{source}{event.text}{times}", tone)


def _sign(event: PastEvent) -> tuple[str, Tone]:
    is_killed = event.kind is PastKind.ENDED and event.detail != "exit 0"
    if event.kind in BAD or is_killed or event.detail.endswith(" FAULT"):
        return "✖ ", Tone.CRITICAL
    if event.kind in NOTABLE:
        return "▲ ", Tone.WARNING
    return "", Tone.ACCENT if event.kind in (PastKind.LEADER, PastKind.VRRP) else Tone.PLAIN


def past_changes(pasts: Iterable[HostPast], snapshot: ClusterSnapshot, before: datetime) -> tuple[SnapshotChange, ...]:
    """The newest events before that moment, newest first; their numbers count down from 0."""
    events = [event for event in all_events(pasts, snapshot) if event.at < before][-KEPT:]
    return tuple(
        SnapshotChange(event.at, event.host, (cell := past_cell(event)).text, cell.tone, -number)
        for number, event in enumerate(reversed(events))
    )


def past_table(pasts: tuple[HostPast, ...], snapshot: ClusterSnapshot, hours: float, now: datetime) -> TableView:
    """The events of all hosts, oldest first, and the hosts whose events are not complete."""
    rows = tuple(
        Row(
            EventKey(-number),
            (Cell(timestamp(event.at, now), Tone.MUTED), Cell(event.host), past_cell(event)),
        )
        for number, event in enumerate(all_events(pasts, snapshot))
    )
    gist = Cell(f"{len(rows)} in {hours:g} h" + "".join(f"; {note}" for note in gaps(pasts)))
    return TableView("events", COLUMNS, rows, None, (gist,), Cell("no event in this time", Tone.MUTED), ageless=True)


def gaps(pasts: tuple[HostPast, ...]) -> tuple[str, ...]:
    """The hosts whose events could not be read, or only the newest of them."""
    return tuple(
        f"{past.host} not read: {past.problem}" if past.problem else f"{past.host}: newest events only"
        for past in pasts
        if past.problem or not past.complete
    )
