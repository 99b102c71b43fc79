"""A finding that flaps is one finding, marked as such, and one notice; a fixed one is gone at once."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from haconsole.diagnosis.flapping import CALM, OFTEN, RHYTHMS, WINDOW, Flapping, damp
from haconsole.model.findings import Finding, Health, Severity
from haconsole.model.snapshot import PendingFact
from haconsole.model.status import ClusterStatus
from haconsole.present.notices import FindingWatch, Notice, NoticeKind
from tests.fakes.cluster import NOW, healthy

SLOW = Finding("host.slow", Severity.WARNING, "cp2", "cp2 is slow", "", ("load 9",))
DOWN = Finding("etcd.member-down", Severity.CRITICAL, "cp3", "cp3 does not answer", "")


def status(seconds: float, *findings: Finding) -> ClusterStatus:
    snapshot = replace(healthy(), observed_at=NOW + timedelta(seconds=seconds))
    return ClusterStatus(snapshot, findings, Health.DEGRADED if findings else Health.HEALTHY)


class Watched:
    """A cluster that is watched, with the notices so far."""

    def __init__(self) -> None:
        self.flapping, self.watch = Flapping(), FindingWatch()
        self.notices: list[Notice] = []
        self.last = status(0)

    def look(self, seconds: float, *findings: Finding) -> tuple[Finding, ...]:
        self.flapping, self.last = damp(self.flapping, status(seconds, *findings))
        self.watch, new = self.watch.after(self.last)
        self.notices += new
        return self.last.findings


def flaps(watched: Watched, times: int, *, every_s: float = 10.0) -> None:
    for number in range(times):
        watched.look(number * every_s, SLOW)
        watched.look(number * every_s + every_s / 2)


def test_a_finding_that_is_fixed_closes_at_once_and_may_open_again() -> None:
    watched = Watched()
    assert watched.look(0, SLOW) == (SLOW,)
    assert watched.look(5) == ()
    assert watched.look(20, SLOW) == (SLOW,)
    assert watched.look(25) == ()
    assert [one.kind for one in watched.notices] == [NoticeKind.FINDING_OPENED, NoticeKind.FINDING_CLOSED] * 2


def test_twenty_minutes_of_flapping_are_one_finding_and_few_notices() -> None:
    watched = Watched()
    flaps(watched, 120)
    assert len(watched.notices) == 2 * OFTEN - 1
    (finding,) = watched.last.findings
    assert finding.summary == "cp2 is slow (flapping)"
    assert finding.evidence[0].startswith("it appeared ")
    assert "absent now, last seen" in finding.evidence[1]
    assert watched.last.health is Health.DEGRADED, "an absent finding that flaps is no health"
    assert "(flapping)" in watched.notices[-1].text


def test_it_closes_soon_after_its_cause_is_fixed() -> None:
    watched = Watched()
    flaps(watched, 5, every_s=10.0)  # last seen at 40 s
    before = len(watched.notices)
    assert watched.look(40 + 10 * RHYTHMS - 1) != ()
    assert watched.look(40 + 10 * RHYTHMS + 1) == ()
    assert watched.last.health is Health.HEALTHY
    assert [one.kind for one in watched.notices[before:]] == [NoticeKind.FINDING_CLOSED]


def test_a_slow_one_closes_after_a_calm_time() -> None:
    watched = Watched()
    flaps(watched, 5, every_s=150.0)  # last seen at 600 s
    assert watched.look(600 + CALM.total_seconds() - 1) != ()
    assert watched.look(600 + CALM.total_seconds() + 1) == ()


def test_one_that_closed_flaps_at_once_when_it_is_back_soon() -> None:
    watched = Watched()
    flaps(watched, 5)
    assert watched.look(100) == ()
    (finding,) = watched.look(120, SLOW)
    assert "(flapping)" in finding.summary
    watched.look(121)
    assert watched.look(121 + WINDOW.total_seconds(), SLOW) == (SLOW,), "later its history has ended"


def test_a_lasting_finding_never_flaps_and_rare_ones_neither() -> None:
    watched = Watched()
    for minute in range(60):
        assert watched.look(60 * minute, SLOW) == (SLOW,)
    rare = Watched()
    for number in range(6):
        assert rare.look(number * (WINDOW.total_seconds() / 2 + 1), SLOW) == (SLOW,)
        rare.look(number * (WINDOW.total_seconds() / 2 + 1) + 5)


def test_an_absent_finding_keeps_its_place_by_its_severity() -> None:
    watched = Watched()
    flaps(watched, OFTEN)
    assert [one.code for one in watched.look(30, DOWN)] == ["etcd.member-down", "host.slow"]


def test_nothing_counts_while_facts_are_read_for_the_first_time() -> None:
    reading = replace(healthy(), pending=(PendingFact(None, "leases"),))
    flapping = Flapping()
    for number in range(2 * OFTEN):
        one = ClusterStatus(reading, (SLOW,) if number % 2 else (), Health.UNKNOWN)
        flapping, result = damp(flapping, one)
        assert result == one
    assert (flapping.present, flapping.absent) == ({}, {})
