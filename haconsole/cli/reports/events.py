"""Events of the last hours, as JSON."""

from __future__ import annotations

from haconsole.cli.reports.findings import Shape, stamp
from haconsole.model.past import HostPast, PastEvent
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.past import all_events


class PastEventReport(Shape, frozen=True):
    """One event. `at` is by the clock of this machine, with fractions of a second.

    `source` is a unit, ``systemd`` or ``kernel``; `detail` is the leader, the VRRP instance and its state, the exit
    status or the signal; `times` counts equal events that followed each other closely.
    """

    at: str
    host: str
    kind: str
    source: str
    text: str
    detail: str | None
    times: int


class EventsErrorReport(Shape, frozen=True):
    """A host whose events could not be read."""

    host: str
    reason: str


class EventsReport(Shape, frozen=True):
    """``haconsole/events/v1``: events of the last `hours`, oldest first.

    `incomplete` are hosts of which only the newest events are listed.
    """

    schema: str
    cluster: str
    observed_at: str
    hours: float
    events: tuple[PastEventReport, ...]
    incomplete: tuple[str, ...]
    errors: tuple[EventsErrorReport, ...]


def events_report(snapshot: ClusterSnapshot, pasts: tuple[HostPast, ...], hours: float) -> EventsReport:
    return EventsReport(
        "haconsole/events/v1",
        snapshot.cluster,
        stamp(snapshot.observed_at),
        hours,
        tuple(map(_event, all_events(pasts, snapshot))),
        tuple(past.host for past in pasts if not past.complete and not past.problem),
        tuple(EventsErrorReport(past.host, past.problem) for past in pasts if past.problem),
    )


def _event(event: PastEvent) -> PastEventReport:
    at = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return PastEventReport(
        at, event.host, event.kind.value, event.source, event.text, event.detail or None, event.times
    )
