"""A recording answers as a live cluster does, at the pace of then, and changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from haconsole.errors import RefusedError
from haconsole.model.findings import Health
from haconsole.recording.file import Recorder, read_recording
from haconsole.session import Session
from haconsole.session.replayed import AT_THE_END_S, ReplayedSession
from tests.fakes.cluster import INVENTORY, NOW, healthy
from tests.fakes.session import critical

LATER = NOW + timedelta(days=9)


class Clock:
    """Goes on by what is slept, and by nothing else."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return LATER + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    recorder = Recorder(tmp_path / "seen.jsonl", INVENTORY)
    recorder.add(healthy())
    recorder.add(critical())
    recorder.close()
    return tmp_path / "seen.jsonl"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def gaps(tmp_path: Path) -> Path:
    """Three moments, 4 s and 6 s apart."""
    from dataclasses import replace

    recorder = Recorder(tmp_path / "gaps.jsonl", INVENTORY)
    for snapshot, seconds in ((healthy(), 0), (critical(), 4), (healthy(), 10)):
        recorder.add(replace(snapshot, observed_at=at(seconds)))
    recorder.close()
    return tmp_path / "gaps.jsonl"


@pytest.mark.parametrize("speed", [1.0, 2.0])
async def test_it_goes_at_the_pace_of_then_or_faster(gaps: Path, speed: float) -> None:
    clock = Clock()
    session = ReplayedSession(read_recording(gaps), speed=speed, clock=clock)
    seen = [(clock.passed, status.snapshot.observed_at) async for status in session.observer.watch()]
    assert [passed for passed, _ in seen] == [0, 4 / speed, 10 / speed]
    assert [moment for _, moment in seen] == [LATER + timedelta(seconds=passed) for passed, _ in seen]


async def test_it_begins_again_where_it_repeats(gaps: Path) -> None:
    clock = Clock()
    session = ReplayedSession(read_recording(gaps), repeats=True, clock=clock)
    revisions = []
    async for status in session.observer.watch():
        revisions.append(status.snapshot.revision)
        if len(revisions) == 5:
            break
    assert revisions == sorted(set(revisions))
    assert clock.passed == 10 + AT_THE_END_S + 4


async def test_findings_are_those_of_then(gaps: Path) -> None:
    session: Session = ReplayedSession(read_recording(gaps), clock=Clock())
    seen = [(status.health, bool(status.findings)) async for status in session.observer.watch()]
    assert seen == [(Health.HEALTHY, False), (Health.CRITICAL, True), (Health.HEALTHY, False)]


async def test_it_changes_nothing(gaps: Path) -> None:
    session: Session = ReplayedSession(read_recording(gaps), clock=Clock())
    assert session.read_only
    assert await session.history.runs() == ()
    with pytest.raises(RefusedError, match="recording"):
        await session.planner.plan("bootstrap", {})
    with pytest.raises(RefusedError, match="recording"):
        await session.history.plan_undo("r1")
    with pytest.raises(RefusedError, match="recording"):
        await session.resume("r1")
    with pytest.raises(RefusedError, match="journals"):
        session.observer.journal(())
