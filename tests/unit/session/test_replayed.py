"""A recording answers as a live cluster does, at the pace of then, and changes nothing."""

from __future__ import annotations

import asyncio
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
    from msgspec.structs import replace

    recorder = Recorder(tmp_path / "gaps.jsonl", INVENTORY)
    for snapshot, seconds in ((healthy(), 0), (critical(), 4), (healthy(), 10)):
        recorder.add(replace(snapshot, observed_at=at(seconds)))
    recorder.close()
    return tmp_path / "gaps.jsonl"


@pytest.mark.parametrize("speed", [1.0, 2.0])
async def test_it_goes_at_the_pace_of_then_or_faster(gaps: Path, speed: float) -> None:
    clock = Clock()
    session = ReplayedSession(read_recording(gaps), speed=speed, clock=clock)
    readings = [(clock.passed, status.snapshot.observed_at) async for status in session.observer.watch()]
    assert [passed for passed, _ in readings] == [0, 4 / speed, 10 / speed]
    assert [moment for _, moment in readings] == [at(0), at(4), at(10)]


async def test_it_begins_again_where_it_repeats(gaps: Path) -> None:
    clock = Clock()
    session = ReplayedSession(read_recording(gaps), repeats=True, clock=clock)
    times = []
    async for status in session.observer.watch():
        times.append(status.snapshot.observed_at)
        if len(times) == 5:
            break
    assert times == [at(0), at(4), at(10), at(0), at(4)]
    assert clock.passed == 10 + AT_THE_END_S + 4


async def test_findings_are_those_of_then(gaps: Path) -> None:
    session: Session = ReplayedSession(read_recording(gaps), clock=Clock())
    readings = [(status.health, bool(status.findings)) async for status in session.observer.watch()]
    assert readings == [(Health.HEALTHY, False), (Health.CRITICAL, True), (Health.HEALTHY, False)]


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


async def test_its_clock_is_that_of_the_recording_and_stops_when_paused(gaps: Path) -> None:
    clock = Clock()
    player = ReplayedSession(read_recording(gaps), speed=2, clock=clock).player
    assert player.now() == at(0)
    assert await player.next_place() == 1
    clock.passed += 1
    assert player.now() == at(6)
    player.pause()
    clock.passed += 60
    assert player.now() == at(6)
    player.unpause()
    clock.passed += 1
    assert player.now() == at(8)
    player.set_speed(1)
    clock.passed += 1
    assert player.now() == at(9)
    clock.passed += 60
    assert player.now() == at(10)


async def test_a_pause_holds_the_next_moment_and_a_new_position_wakes_it(gaps: Path) -> None:
    player = ReplayedSession(read_recording(gaps), clock=Clock()).player
    player.pause()
    waiting = asyncio.create_task(player.next_place())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    player.seek(1)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert (player.place, player.now()) == (1, at(4))
    player.unpause()
    assert await asyncio.wait_for(waiting, 5) == 2
    assert await player.next_place() is None


@pytest.mark.parametrize(("place", "reached"), [(-4, 0), (1, 1), (99, 2)])
async def test_a_position_is_one_of_the_recording(gaps: Path, place: int, reached: int) -> None:
    player = ReplayedSession(read_recording(gaps), clock=Clock()).player
    player.seek(place)
    assert (player.place, player.last) == (reached, 2)


async def test_findings_of_a_place_are_those_of_its_time(gaps: Path) -> None:
    player = ReplayedSession(read_recording(gaps), clock=Clock()).player
    assert [player.status(place).health for place in range(3)] == [Health.HEALTHY, Health.CRITICAL, Health.HEALTHY]
    assert player.times == (at(0), at(4), at(10))
