"""The screen's first line: the cluster, its health, and whether the view is live."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from haconsole.model.findings import Health
from haconsole.model.observed import Failed, Known
from haconsole.present.ages import clock, seconds_since, span
from haconsole.present.cells import Cell, Line, Tone, padded, text_of, width_of

if TYPE_CHECKING:
    from haconsole.model.hosts import HostFacts
    from haconsole.model.snapshot import ClusterSnapshot

STALLED_S = 10
DAY_S = 86400
WARN_DAYS = 30
CRITICAL_DAYS = 7
"""Days of a certificate's life left, as `cert.expiring` has them."""
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


class BarLink(msgspec.Struct, frozen=True):
    """`since` is when this state began; `reason` is why the stream was interrupted."""

    state: LinkState
    since: datetime
    reason: str = ""


class LastBackup(msgspec.Struct, frozen=True):
    """The newest snapshot of etcd by the run logs of this account; `at` None: there is none."""

    at: datetime | None


class Vitals(msgspec.Struct, frozen=True):
    """Answers to the first questions; None where the answer is not known.

    `can_lose` is the number of further etcd members that may fail, -1 without a quorum; `expires_at` is the end of the
    certificate that expires next.
    """

    can_lose: int | None = None
    expires_at: datetime | None = None
    backup: LastBackup | None = None
    request_ms: float | None = None
    """Milliseconds of a request through the API's endpoint; -1 if it had no answer."""

    @classmethod
    def of(cls, snapshot: ClusterSnapshot, backup: LastBackup | None) -> Vitals:
        from haconsole.model.etcd_view import etcd_view
        from haconsole.present.certificates import certificates_of

        etcd, certificates = etcd_view(snapshot), certificates_of(snapshot)
        reached = any(isinstance(facts.reach, Known) for facts in snapshot.hosts)
        quorum = etcd.quorum if etcd.current or reached else None
        can_lose = None if quorum is None else quorum.can_lose if quorum.holds else -1
        expires_at = certificates[0].certificate.not_after if certificates else None
        return cls(can_lose, expires_at, backup, _request_ms(snapshot) if reached else None)


class BarView(msgspec.Struct, frozen=True):
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
    vitals: Vitals = msgspec.field(default_factory=Vitals)
    frozen_at: datetime | None = None
    """When the screen was frozen; None while it shows news."""
    only_host: str = ""
    """The only host that is shown; empty for all."""

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
        backup: LastBackup | None = None,
        frozen_at: datetime | None = None,
        only_host: str = "",
    ) -> BarView:
        hosts = snapshot.hosts if snapshot else ()
        observed_at = snapshot.observed_at if snapshot else None
        lock = locked_by(snapshot, own_run, own_process) if snapshot else ""
        vitals = Vitals.of(snapshot, backup) if snapshot else Vitals()
        return cls(
            cluster,
            health,
            link,
            hosts,
            hosts_total,
            observed_at,
            read_only,
            endpoint,
            run,
            lock,
            recorded,
            vitals,
            frozen_at,
            only_host,
        )


def bar_line(view: BarView, width: int, now: datetime) -> Line:
    """The bar in exactly `width` cells; the least important parts are left out if they do not fit."""
    clock_cell = Cell(f"{clock(now)} UTC ")
    cells = [Cell(f" {view.cluster} ", Tone.ACCENT), Cell(" "), health_cell(view, now)]
    if view.recorded:
        cells += [Cell("  "), Cell(" RECORDING ", Tone.WARNING)]
    elif view.read_only:
        cells += [Cell("  "), Cell(" READ-ONLY ", Tone.WARNING)]
    if view.only_host:
        cells += [Cell("  "), Cell(f" ONLY {view.only_host} ", Tone.WARNING)]
    if view.run:
        cells += [Cell("  "), Cell(f" RUN {view.run} ", Tone.WARNING)]
    if view.lock:
        cells += [Cell("  "), Cell(f" LOCKED {view.lock} ", Tone.WARNING)]
    cells += [Cell("  ")]
    link, room = link_cell(view, now), width - width_of(text_of(tuple(cells)))
    if width_of(link.text) + width_of(clock_cell.text) > room:
        clock_cell = Cell("")
    cells += [sized_cell(link, room)]
    vitals = vital_cells(view.vitals, now)
    if width_of(text_of((*cells, *vitals, clock_cell))) + 2 * len(vitals) + 1 > width and clock_cell.text:
        clock_cell = Cell(f"{clock(now)} ")
    endpoint = (Cell(f"API {view.endpoint}", Tone.MUTED),) if view.endpoint else ()
    for cell in (*vitals, Cell(_reached(view)), *endpoint):
        if width_of(text_of((*cells, cell, clock_cell))) + 3 <= width:
            cells += [Cell("  "), cell]
    blanks = width - width_of(text_of((*cells, clock_cell)))
    return (*cells, Cell(" " * max(blanks, 0)), clock_cell)


def vital_cells(vitals: Vitals, now: datetime) -> tuple[Cell, ...]:
    """The answers that are known, the most important first; a state that needs attention is a chip."""
    return tuple(
        cell
        for cell in (
            _losses_cell(vitals.can_lose),
            _request_cell(vitals.request_ms),
            _expiry_cell(vitals.expires_at, now),
            _backup_cell(vitals, now),
        )
        if cell is not None
    )


def _losses_cell(can_lose: int | None) -> Cell | None:
    if can_lose is None:
        return None
    if can_lose < 0:
        return Cell(" ✖ no quorum ", Tone.CRITICAL)
    return Cell(f"may lose {can_lose}") if can_lose else Cell(" ▲ may lose 0 ", Tone.WARNING)


def _request_ms(snapshot: ClusterSnapshot) -> float | None:
    """Milliseconds of a request through the endpoint; -1 if it failed, None if it was not queried."""
    request = snapshot.endpoint_ms
    if isinstance(request, Known):
        return request.value
    return -1 if isinstance(request, Failed) else None


def _request_cell(request_ms: float | None) -> Cell | None:
    if request_ms is None:
        return None
    if request_ms < 0:
        return Cell(" ✖ no API answer ", Tone.CRITICAL)
    return Cell(f"API in {request_ms:.0f}ms")


def _expiry_cell(expires_at: datetime | None, now: datetime) -> Cell | None:
    if expires_at is None:
        return None
    left_s = int((expires_at - now).total_seconds())
    if left_s <= 0:
        return Cell(" ✖ certs expired ", Tone.CRITICAL)
    if left_s < CRITICAL_DAYS * DAY_S:
        return Cell(f" ✖ certs {span(left_s)} ", Tone.CRITICAL)
    return (
        Cell(f" ▲ certs {span(left_s)} ", Tone.WARNING) if left_s < WARN_DAYS * DAY_S else Cell(f"certs {span(left_s)}")
    )


def _backup_cell(vitals: Vitals, now: datetime) -> Cell | None:
    if vitals.backup is None:
        return None
    at = vitals.backup.at
    return Cell("no backup here", Tone.MUTED) if at is None else Cell(f"backup {span(seconds_since(at, now))}")


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
    if view.frozen_at is not None:
        return Cell(f" ■ FROZEN {span(seconds_since(view.frozen_at, now))}, press space to continue ", Tone.WARNING)
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
