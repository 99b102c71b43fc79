"""Findings that flap: each of them is one finding, marked as such, until it has been absent for longer than it flaps.

1. Each appearance of a finding is remembered for `WINDOW`.
2. From the appearance number `OFTEN` on it is flapping: it stays a finding while it is absent, with its last evidence.
3. It ends once it is absent for `RHYTHMS` times the longest interval between its appearances, and after `CALM` at most.
   A finding with an interval of 10 s is thus gone 15 s after its cause was fixed.
4. One that appears again within `WINDOW` flaps at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from haconsole.diagnosis.candidate import SEVERITIES, Key
from haconsole.diagnosis.diagnose import health
from haconsole.model.findings import Finding
from haconsole.model.status import ClusterStatus

WINDOW = timedelta(minutes=10)
OFTEN = 3
"""A finding that appears twice may have a fix that was tried in between."""
RHYTHMS = 1.5
CALM = timedelta(minutes=3)


class Sighting(msgspec.Struct, frozen=True):
    """A finding with the times at which it appeared; `seen_at` is the last time at which it was there."""

    finding: Finding
    appearances: tuple[datetime, ...]
    seen_at: datetime

    @property
    def flapping(self) -> bool:
        return len(self.appearances) >= OFTEN

    def is_shown(self, at: datetime) -> bool:
        """An absent finding that may be back in a moment, by how often it appeared so far."""
        if not self.flapping:
            return False
        longest = max(later - earlier for earlier, later in pairwise(self.appearances))
        return at - self.seen_at <= min(RHYTHMS * longest, CALM)

    def lately(self, at: datetime) -> Sighting:
        """Without the appearances that are too long ago."""
        return replace(self, appearances=tuple(each for each in self.appearances if at - each <= WINDOW))


class Flapping(msgspec.Struct, frozen=True):
    """The findings of a watched cluster so far: those that are present, and those that were lately."""

    present: Mapping[Key, Sighting] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    absent: Mapping[Key, Sighting] = msgspec.field(default_factory=lambda: MappingProxyType({}))

    def after(self, findings: tuple[Finding, ...], at: datetime) -> tuple[Flapping, tuple[Finding, ...]]:
        """With the findings of one more moment; and the findings to show, the most severe first."""
        now = {(each.code, each.subject): each for each in findings}
        present = {key: self._sighting(key, each, at) for key, each in now.items()}
        past = {key: each.lately(at) for key, each in {**self.absent, **self.present}.items() if key not in now}
        absent = {key: each for key, each in past.items() if each.appearances}
        visible = (*map(_marked_if_flapping, present.values()), *_still_shown(absent, at))
        if len(visible) > len(findings):
            visible = tuple(sorted(visible, key=lambda each: SEVERITIES.index(each.severity)))
        return Flapping(MappingProxyType(present), MappingProxyType(absent)), visible

    def _sighting(self, key: Key, finding: Finding, at: datetime) -> Sighting:
        before = self.present.get(key)
        if before is not None:
            return replace(before.lately(at), finding=finding, seen_at=at)
        earlier = self.absent[key].lately(at).appearances if key in self.absent else ()
        return Sighting(finding, (*earlier, at), at)


def damp(flapping: Flapping, status: ClusterStatus) -> tuple[Flapping, ClusterStatus]:
    """A status with the flapping findings; while facts are read for the first time it stays as it is."""
    if status.snapshot.pending:
        return flapping, status
    after, findings = flapping.after(status.findings, status.snapshot.observed_at)
    if findings == status.findings:
        return after, status
    return after, replace(status, findings=findings, health=health(status.snapshot, findings))


def _still_shown(absent: Mapping[Key, Sighting], at: datetime) -> Iterator[Finding]:
    for each in absent.values():
        if each.is_shown(at):
            yield _marked(each, f"absent now, last seen {each.seen_at:%Y-%m-%d %H:%M:%S}Z")


def _marked_if_flapping(sighting: Sighting) -> Finding:
    return _marked(sighting) if sighting.flapping else sighting.finding


def _marked(sighting: Sighting, *more: str) -> Finding:
    """The summary stays the same while the finding flaps."""
    finding, count = sighting.finding, len(sighting.appearances)
    minutes = int(WINDOW.total_seconds() // 60)
    often = f"it appeared {count} times in the last {minutes} minutes"
    return replace(finding, summary=f"{finding.summary} (flapping)", evidence=(often, *more, *finding.evidence))
