"""The position in a recording: the seek bar, with marks at what happened."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

import msgspec

from haconsole.model.etcd_view import etcd_view
from haconsole.model.findings import Severity
from haconsole.model.lock_view import lock_view
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from haconsole.model.vip import VipState
from haconsole.model.vip_view import vip_views
from haconsole.present.ages import clock
from haconsole.present.cells import Cell, Line, Tone, padded, width_of

TEXT_FROM = 100
"""From this many columns on the bar has the text of the newest mark."""
LEAST_BAR = 10
TIME_CELLS = 10
"""Cells of the end's time, with blanks."""
TONES = (Tone.CRITICAL, Tone.WARNING, Tone.ACCENT, Tone.GOOD, Tone.PLAIN)
"""Of several marks in one cell the first of these is drawn."""
SEVERITIES = {
    Severity.CRITICAL: ("✖", Tone.CRITICAL),
    Severity.WARNING: ("▲", Tone.WARNING),
    Severity.INFO: ("·", Tone.PLAIN),
}


class ReplayMark(msgspec.Struct, frozen=True):
    """Something that happened, at a place of the recording."""

    place: int
    at: datetime
    sign: str
    text: str
    tone: Tone


class ReplayView(msgspec.Struct, frozen=True):
    """A recording that is played. `marks` are in order; they are complete when `read` is the number of places."""

    times: tuple[datetime, ...]
    speed: float
    paused: bool
    marks: tuple[ReplayMark, ...] = ()
    read: int = 0

    def place_at(self, share: float) -> int:
        """The last place at or before that share of the recording's time."""
        start, end = self.times[0], self.times[-1]
        return self.place(start + (end - start) * min(max(share, 0.0), 1.0))

    def place(self, now: datetime) -> int:
        """The last place at or before that time."""
        return max(bisect_right(self.times, now) - 1, 0)

    def mark_from(self, place: int, by: int) -> ReplayMark | None:
        """The next mark after that place, or the one before it."""
        if by > 0:
            return next((mark for mark in self.marks if mark.place > place), None)
        return next((mark for mark in reversed(self.marks) if mark.place < place), None)


class MarkFinder:
    """Finds what happened from place to place; owners and leaders are compared with the last known ones."""

    def __init__(self) -> None:
        self._before: ClusterStatus | None = None
        self._leader = ""
        self._owners: dict[str, str] = {}

    def add(self, status: ClusterStatus, place: int) -> tuple[ReplayMark, ...]:
        """The events since the previous place: findings, elections, moves of VIPs, runs."""
        before, snapshot = self._before, status.snapshot
        events = [*self._election(snapshot), *self._moves(snapshot)]
        if before is not None:
            events = [*_findings(before, status), *events, *_runs(before.snapshot, snapshot)]
        self._before = status
        return tuple(ReplayMark(place, snapshot.observed_at, sign, text, tone) for sign, text, tone in events)

    def _election(self, snapshot: ClusterSnapshot) -> list[tuple[str, str, Tone]]:
        was, leader = self._leader, _leader(snapshot)
        self._leader = leader or was
        return [("★", f"etcd leader {was} → {leader}", Tone.ACCENT)] if was and leader not in ("", was) else []

    def _moves(self, snapshot: ClusterSnapshot) -> list[tuple[str, str, Tone]]:
        was, owners = self._owners, _owners(snapshot)
        self._owners = {**was, **owners}
        return [
            ("◆", f"VIP {address}: {was[address]} → {host}", Tone.ACCENT)
            for address, host in owners.items()
            if was.get(address, host) != host
        ]


def _findings(before: ClusterStatus, after: ClusterStatus) -> list[tuple[str, str, Tone]]:
    if after.snapshot.pending:
        return []
    old = {(each.code, each.subject) for each in before.findings}
    new = {(each.code, each.subject) for each in after.findings}
    opened = [
        (SEVERITIES[each.severity][0], each.summary, SEVERITIES[each.severity][1])
        for each in after.findings
        if (each.code, each.subject) not in old
    ]
    closed = [
        ("●", f"resolved: {each.summary}", Tone.GOOD)
        for each in before.findings
        if (each.code, each.subject) not in new
    ]
    return [*opened, *closed]


def _runs(before: ClusterSnapshot, after: ClusterSnapshot) -> list[tuple[str, str, Tone]]:
    old, new = _run(before), _run(after)
    began = [("■", f"run {new} began", Tone.ACCENT)] if new and new != old else []
    ended = [("■", f"run {old} ended", Tone.ACCENT)] if old and old != new else []
    return [*ended, *began]


def _leader(snapshot: ClusterSnapshot) -> str:
    return next((row.member.name or row.member.id for row in etcd_view(snapshot).members if row.leader), "")


def _owners(snapshot: ClusterSnapshot) -> dict[str, str]:
    views = (view for view in vip_views(snapshot) if view.state is not VipState.UNKNOWN)
    return {view.address: "+".join(view.owners) or "nobody" for view in views}


def _run(snapshot: ClusterSnapshot) -> str:
    view = lock_view(snapshot)
    return f"{view.claim.action} ({view.claim.run})" if view is not None else ""


def seek_line(view: ReplayView, now: datetime, width: int) -> Line:
    """State, speed and time, the bar with its marks, and the newest mark, in `width` cells."""
    state = "‖" if view.paused else "■" if now >= view.times[-1] else "▶"
    start_cell = Cell(f" {state} {view.speed:g}x {clock(now)} ", Tone.WARNING if view.paused else Tone.PLAIN)
    end_cell = Cell(f" {clock(view.times[-1])} ")
    text = _newest_text(view, now, width)
    cells = _bar_cells(start_cell, width)
    return (start_cell, *_bar(view, now, cells), end_cell, *text)


def _bar_cells(start_cell: Cell, width: int) -> int:
    """The cells of the bar: what state, times and text leave."""
    text = width // 3 if width >= TEXT_FROM else 0
    return max(width - width_of(start_cell.text) - TIME_CELLS - text, LEAST_BAR)


def bar_place(view: ReplayView, now: datetime, width: int, x: int) -> int | None:
    """The place at a column of that line; None beside the bar."""
    start_cell = seek_line(view, now, width)[0]
    first, cells = width_of(start_cell.text), _bar_cells(start_cell, width)
    return view.place_at((x - first) / max(cells - 1, 1)) if first <= x < first + cells else None


def _newest_text(view: ReplayView, now: datetime, width: int) -> Line:
    """The newest mark at the position, on a wide screen; how far the marks are read until they are complete."""
    if width < TEXT_FROM:
        return ()
    if view.read < len(view.times):
        return (padded(Cell(f"reading events {view.read * 100 // len(view.times)} %", Tone.MUTED), width // 3),)
    mark = next((mark for mark in reversed(view.marks) if mark.at <= now), None)
    cell = Cell(f"{mark.sign} {mark.text}", mark.tone) if mark is not None else Cell("")
    return (padded(cell, width // 3),)


def _bar(view: ReplayView, now: datetime, cells: int) -> Line:
    """A cell for each part of the recording: heavy up to now, marks over it, the position as a line."""
    start, end = view.times[0], view.times[-1]
    total_s = max((end - start).total_seconds(), 0.001)

    def cell_of(moment: datetime) -> int:
        return max(0, min(int((moment - start).total_seconds() / total_s * (cells - 1)), cells - 1))

    here = cell_of(now)
    parts = [Cell("━" if index <= here else "─", Tone.PLAIN if index <= here else Tone.MUTED) for index in range(cells)]
    for mark in sorted(view.marks, key=lambda mark: TONES.index(mark.tone), reverse=True):
        parts[cell_of(mark.at)] = Cell(mark.sign, mark.tone)
    parts[here] = Cell(parts[here].text if parts[here].text not in "━─" else "┃", Tone.MARK)
    return tuple(parts)
