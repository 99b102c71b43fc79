"""Events from before the console was opened, as rows of the timeline and as a table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from haconsole.model.past import HostPast, PastEvent, PastKind
from haconsole.model.past_lanes import member_names
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import timestamp
from haconsole.present.cells import Cell, Tone
from haconsole.present.changes import KEPT, SnapshotChange
from haconsole.present.row_keys import EventKey
from haconsole.present.table import Column, Row, TableView

BAD = (PastKind.OUT_OF_MEMORY, PastKind.LEADER_LOST)
NOTABLE = (PastKind.BOOT, PastKind.SHUTDOWN, PastKind.CLOCK, PastKind.TIME_OUT, PastKind.SLOW_DISK, PastKind.RESTART)
MANAGER, KERNEL = "systemd", "kernel"
"""Sources that are not named, as their events are the host's."""
COLUMNS = (Column("TIME"), Column("HOST", least=6), Column("EVENT", least=16))


def all_events(pasts: Iterable[HostPast]) -> tuple[PastEvent, ...]:
    """The events of all hosts, oldest first."""
    return tuple(sorted((event for past in pasts for event in past.events), key=lambda event: event.at))


def past_cell(event: PastEvent, snapshot: ClusterSnapshot) -> Cell:
    """An event in one cell; members of etcd by their names."""
    text = event.text
    if event.kind in (PastKind.LEADER, PastKind.LEADER_LOST):
        name = member_names(snapshot).get(event.detail, event.detail)
        text = text.replace(event.detail, name) if event.detail in text else text
    times = f" ({event.times} times)" if event.times > 1 else ""
    sign, tone = _sign(event)
    source = "" if event.source in (MANAGER, KERNEL) else f"{event.source} "
    return Cell(f"{sign}{source}{text}{times}", tone)


def _sign(event: PastEvent) -> tuple[str, Tone]:
    is_killed = event.kind is PastKind.ENDED and event.detail != "exit 0"
    if event.kind in BAD or is_killed or event.detail.endswith(" FAULT"):
        return "✖ ", Tone.CRITICAL
    if event.kind in NOTABLE:
        return "▲ ", Tone.WARNING
    return "", Tone.ACCENT if event.kind in (PastKind.LEADER, PastKind.VRRP) else Tone.PLAIN


def past_changes(pasts: Iterable[HostPast], snapshot: ClusterSnapshot, before: datetime) -> tuple[SnapshotChange, ...]:
    """The newest events before that moment, newest first; their numbers count down from 0."""
    events = [event for event in all_events(pasts) if event.at < before][-KEPT:]
    return tuple(
        SnapshotChange(event.at, event.host, (cell := past_cell(event, snapshot)).text, cell.tone, -number)
        for number, event in enumerate(reversed(events))
    )


def past_table(pasts: tuple[HostPast, ...], snapshot: ClusterSnapshot, hours: float, now: datetime) -> TableView:
    """The events of all hosts, oldest first, and the hosts whose events are not complete."""
    rows = tuple(
        Row(
            EventKey(-number),
            (Cell(timestamp(event.at, now), Tone.MUTED), Cell(event.host), past_cell(event, snapshot)),
        )
        for number, event in enumerate(all_events(pasts))
    )
    gist = Cell(f"{len(rows)} in {hours:g} h" + "".join(f"; {note}" for note in gaps(pasts)))
    return TableView("events", COLUMNS, rows, None, (gist,), Cell("no event in this time", Tone.MUTED), ageless=True)


def gaps(pasts: tuple[HostPast, ...]) -> tuple[str, ...]:
    """The hosts whose events could not be read, or only the newest of them."""
    return tuple(
        f"{past.host} not read: {past.problem}" if past.problem else f"{past.host}: only the newest"
        for past in pasts
        if past.problem or not past.complete
    )
