"""The screen's first line: the cluster, its health, and whether the view is live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from haconsole.model.findings import Health
from haconsole.model.observed import Known
from haconsole.present.ages import clock, seconds_since, span
from haconsole.present.cells import Cell, Line, Tone, padded, text_of, width_of

if TYPE_CHECKING:
    from haconsole.model.hosts import HostFacts
    from haconsole.model.snapshot import ClusterSnapshot

STALLED_S = 10
HEALTH = {
    Health.HEALTHY: Cell(" ● HEALTHY ", Tone.GOOD),
    Health.DEGRADED: Cell(" ▲ DEGRADED ", Tone.WARNING),
    Health.CRITICAL: Cell(" ✖ CRITICAL ", Tone.CRITICAL),
    Health.UNKNOWN: Cell(" ? UNKNOWN ", Tone.UNKNOWN),
}


class LinkState(StrEnum):
    """The stream of snapshots: not yet there, coming, or interrupted."""

    CONNECTING = "connecting"
    LIVE = "live"
    BROKEN = "broken"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class BarLink:
    """`since` is when this state began; `reason` is why the stream was interrupted."""

    state: LinkState
    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BarView:
    """The content of the bar. `heard_at` is when the newest snapshot was combined, `run` the progress of the current
    run, `lock` another console that may change the cluster now, empty if there is none, `recorded` that all of it is a
    recording.
    """

    cluster: str
    health: Health
    link: BarLink
    hosts: tuple[HostFacts, ...]
    hosts_total: int
    heard_at: datetime | None
    read_only: bool = False
    endpoint: str = ""
    run: str = ""
    lock: str = ""
    recorded: bool = False

    @classmethod
    def of(
        cls,
        snapshot: ClusterSnapshot | None,
        health: Health,
        link: BarLink,
        *,
        cluster: str,
        hosts_total: int,
        read_only: bool,
        endpoint: str,
        run: str = "",
        own_run: str = "",
        own_process: str = "",
        recorded: bool = False,
    ) -> BarView:
        hosts = snapshot.hosts if snapshot else ()
        observed_at = snapshot.observed_at if snapshot else None
        lock = locked_by(snapshot, own_run, own_process) if snapshot else ""
        return cls(cluster, health, link, hosts, hosts_total, observed_at, read_only, endpoint, run, lock, recorded)


def bar_line(view: BarView, width: int, now: datetime) -> Line:
    """The bar in exactly `width` cells; the least important parts (endpoint, hosts) are left out if they do not fit."""
    clock_cell = Cell(f"{clock(now)} UTC ")
    left = [Cell(f" {view.cluster} ", Tone.ACCENT), Cell(" "), health_cell(view, now)]
    if view.recorded:
        left += [Cell("  "), Cell(" RECORDING ", Tone.WARNING)]
    elif view.read_only:
        left += [Cell("  "), Cell(" READ-ONLY ", Tone.WARNING)]
    if view.run:
        left += [Cell("  "), Cell(f" RUN {view.run} ", Tone.WARNING)]
    if view.lock:
        left += [Cell("  "), Cell(f" LOCKED {view.lock} ", Tone.WARNING)]
    left += [Cell("  ")]
    link, room = link_cell(view, now), width - width_of(text_of(tuple(left)))
    if width_of(link.text) + width_of(clock_cell.text) > room:
        clock_cell = Cell("")
    left += [sized_cell(link, room)]
    optional = (Cell(f"  {_reached(view)}"), Cell(f"  API {view.endpoint}", Tone.MUTED) if view.endpoint else Cell(""))
    for cell in optional:
        if width_of(text_of((*left, cell, clock_cell))) + 1 <= width:
            left.append(cell)
    blanks = width - width_of(text_of((*left, clock_cell)))
    return (*left, Cell(" " * max(blanks, 0)), clock_cell)


def locked_by(snapshot: ClusterSnapshot, own_run: str, own_process: str = "") -> str:
    """The run that has the cluster's lock, in a few words; empty for none, `own_run` and runs of this process."""
    from haconsole.model.lock_view import lock_view

    view = lock_view(snapshot)
    if view is None or view.claim.run == own_run or view.held_by(own_process):
        return ""
    note = ", stale" if view.stale else ""
    return f"{view.claim.holder}: {view.claim.action}{note}"


def health_cell(view: BarView, now: datetime) -> Cell:
    """The cluster's health; its last health, if no host answers now."""
    quiet = seconds_since(view.heard_at, now) >= STALLED_S if view.heard_at else False
    if view.heard_at and (view.link.state is LinkState.BROKEN or quiet):
        return Cell(f" ? WAS {view.health.upper()} ", Tone.UNKNOWN)
    return HEALTH[view.health]


def sized_cell(cell: Cell, width: int) -> Cell:
    """The cell, cut with an ellipsis if it is longer than `width`."""
    return cell if width_of(cell.text) <= width else padded(cell, max(width, 0))


def link_cell(view: BarView, now: datetime) -> Cell:
    """Whether the screen is live, and if not, since when and why."""
    match view.link.state:
        case LinkState.CONNECTING:
            return Cell(f" connecting {span(seconds_since(view.link.since, now))} ", Tone.UNKNOWN)
        case LinkState.BROKEN:
            return Cell(f" ✖ CUT OFF {span(seconds_since(view.link.since, now))}: {view.link.reason} ", Tone.CRITICAL)
        case LinkState.ENDED:
            return Cell(" ■ the recording ended here ", Tone.WARNING)
        case LinkState.LIVE:
            quiet = seconds_since(view.heard_at, now) if view.heard_at else 0
            return Cell(f" ▲ no news for {span(quiet)} ", Tone.WARNING) if quiet >= STALLED_S else _coming(view)


def _coming(view: BarView) -> Cell:
    return Cell("" if view.recorded else "● live")


def _reached(view: BarView) -> str:
    there = sum(isinstance(facts.reach, Known) for facts in view.hosts)
    return f"{there}/{view.hosts_total} hosts"
