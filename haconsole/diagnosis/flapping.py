"""Findings that flap: each of them is one finding, marked as such, until it has been absent for a while.

1. Each appearance of a finding is remembered for `WINDOW`.
2. From the appearance number `OFTEN` on it is flapping: it stays a finding while it is absent, with its last evidence.
3. It ends once it has been absent for `CALM`, or its appearances are too long ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from haconsole.diagnosis.candidate import SEVERITIES, Key
from haconsole.diagnosis.diagnose import health
from haconsole.model.findings import Finding
from haconsole.model.status import ClusterStatus

WINDOW = timedelta(minutes=10)
OFTEN = 3
"""A finding that appears twice may have a fix that was tried in between."""
CALM = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A finding with the times at which it appeared; `seen_at` is the last time at which it was there."""

    finding: Finding
    appearances: tuple[datetime, ...]
    seen_at: datetime
    present: bool = True

    @property
    def flapping(self) -> bool:
        return len(self.appearances) >= OFTEN

    def has_ended(self, at: datetime) -> bool:
        """Nothing of it matters any more."""
        if self.present:
            return False
        return at - self.seen_at > (CALM if self.flapping else WINDOW)


@dataclass(frozen=True, slots=True)
class Flapping:
    """The findings of a watched cluster so far."""

    sightings: Mapping[Key, Sighting] = field(default_factory=lambda: MappingProxyType({}))

    def after(self, findings: tuple[Finding, ...], at: datetime) -> tuple[Flapping, tuple[Finding, ...]]:
        """With the findings of one more moment; and the findings to show, the most severe first."""
        now = {(each.code, each.subject): each for each in findings}
        present = {key: self._sighting(key, each, at) for key, each in now.items()}
        absent = {
            key: replace(each, present=False, appearances=_recent(each.appearances, at))
            for key, each in self.sightings.items()
            if key not in now and not replace(each, present=False).has_ended(at)
        }
        visible = (
            *(_marked(each) if each.flapping else each.finding for each in present.values()),
            *(_marked(each) for each in absent.values() if each.flapping),
        )
        if len(visible) > len(findings):
            visible = tuple(sorted(visible, key=lambda each: SEVERITIES.index(each.severity)))
        return Flapping(MappingProxyType({**absent, **present})), visible

    def _sighting(self, key: Key, finding: Finding, at: datetime) -> Sighting:
        before = self.sightings.get(key)
        if before is None:
            return Sighting(finding, (at,), at)
        appearances = _recent(before.appearances, at)
        return Sighting(finding, appearances if before.present else (*appearances, at), at)


def damp(flapping: Flapping, status: ClusterStatus) -> tuple[Flapping, ClusterStatus]:
    """A status with the flapping findings; while facts are read for the first time it stays as it is."""
    if status.snapshot.pending:
        return flapping, status
    after, findings = flapping.after(status.findings, status.snapshot.observed_at)
    if findings == status.findings:
        return after, status
    return after, replace(status, findings=findings, health=health(status.snapshot, findings))


def _recent(appearances: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    return tuple(each for each in appearances if at - each <= WINDOW)


def _marked(sighting: Sighting) -> Finding:
    """The summary stays the same while the finding flaps."""
    finding, count = sighting.finding, len(sighting.appearances)
    minutes = int(WINDOW.total_seconds() // 60)
    lines = [f"it appeared {count} times in the last {minutes} minutes"]
    if not sighting.present:
        lines.append(f"absent now, last seen {sighting.seen_at:%Y-%m-%d %H:%M:%S}Z")
    return replace(finding, summary=f"{finding.summary} (flapping)", evidence=(*lines, *finding.evidence))
