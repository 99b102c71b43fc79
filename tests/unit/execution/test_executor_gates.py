"""Gates and pauses hold steps of a run right before they are performed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from haconsole.actions.step import Step
from haconsole.execution.events import (
    Event,
    Outcome,
    StepDone,
    StepPaused,
    StepResumed,
    StepStarted,
)
from haconsole.execution.log.run_record import StepState, read_run
from haconsole.execution.steps.gate import StoppedError
from haconsole.model.names import StepId
from tests.unit.execution.bench import Bench, last, outcomes


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class Lost:
    """A gate that lets `passes` steps begin and then none."""

    def __init__(self, passes: int) -> None:
        self.passes = passes

    async def before(self, step: Step) -> None:
        if not self.passes:
            raise StoppedError("the lock was lost to ops@other", hint="wait for its run to end")
        self.passes -= 1


async def test_a_gate_ends_the_run_before_the_next_step_with_its_words(bench: Bench) -> None:
    steps = (bench.step("a"), bench.step("b", needs=("a",)), bench.step("c", needs=("b",)))
    events = [event async for event in bench.executor(*steps, gates=(Lost(1),)).events()]
    assert outcomes(events) == {"a": Outcome.DONE, "b": Outcome.SKIPPED, "c": Outcome.SKIPPED}
    words = "the lock was lost to ops@other; wait for its run to end"
    assert [event.error for event in events if isinstance(event, StepDone)] == [None, words, None]
    assert last(events).outcome is Outcome.SKIPPED
    assert (last(events).next_step or "").startswith(words)
    assert bench.lines_of("b") == ""
    record = read_run(bench.run_log).step(StepId("b"))
    assert (record.state, record.attempts, record.error) == (StepState.NOT_STARTED, 0, words)


async def test_what_is_there_already_passes_no_gate(bench: Bench) -> None:
    (bench.folder / "a").touch()
    events = [event async for event in bench.executor(bench.step("a"), gates=(Lost(0),)).events()]
    assert outcomes(events) == {"a": Outcome.ALREADY}


async def test_a_paused_run_holds_each_step_until_it_is_let_through(bench: Bench) -> None:
    """Step by step, then all the rest; the step under way when the pause begins ends."""
    steps = tuple(bench.step(name, needs=needs) for name, needs in (("a", ()), ("b", ("a",)), ("c", ("b",))))
    executor = bench.executor(*steps)
    results: list[str] = []
    readings: list[Event] = []
    async for event in executor.events():
        readings.append(event)
        if isinstance(event, StepStarted) and event.step == "a":
            executor.pause.close()
            assert not executor.pause.one()
        if isinstance(event, StepPaused):
            results.append(event.step + bench.lines_of(event.step))
            await asyncio.sleep(0)
            if event.step == "b":
                executor.pause.open()
            else:
                assert executor.pause.one()
    assert results == ["a", "b"]
    assert [event.step for event in readings if isinstance(event, StepResumed)] == ["a", "b"]
    assert set(outcomes(readings).values()) == {Outcome.DONE}


async def test_a_paused_run_can_be_stopped(bench: Bench) -> None:
    executor = bench.executor(bench.step("a"))
    executor.pause.close()
    events: list[Event] = []
    async for event in executor.events():
        events.append(event)
        if isinstance(event, StepPaused):
            executor.stop()
    assert outcomes(events) == {"a": Outcome.SKIPPED}
    assert bench.lines_of("a") == ""


async def test_checks_before_a_long_pause_are_repeated(bench: Bench) -> None:
    """Somebody else does the step while it is held."""
    executor = bench.executor(bench.step("a"))
    executor.pause.close()
    events: list[Event] = []
    async for event in executor.events():
        events.append(event)
        if isinstance(event, StepPaused):
            (bench.folder / "a").touch()
            bench.clock.passed += 60
            await asyncio.sleep(0)
            executor.pause.open()
    assert outcomes(events) == {"a": Outcome.ALREADY}
    assert bench.lines_of("a") == ""


async def test_a_released_step_begins_however_long_it_was_held(bench: Bench) -> None:
    """Each release begins exactly the step that was held first, after a minute as after a moment."""
    steps = tuple(bench.step(name) for name in ("a", "b", "c"))
    executor = bench.executor(*steps)
    executor.pause.close()
    holders: list[str] = []
    finished: list[tuple[str, Outcome]] = []
    async with asyncio.timeout(10):
        async for event in executor.events():
            if isinstance(event, StepPaused):
                holders.append(event.step)
            if isinstance(event, StepDone):
                finished.append((event.step, event.outcome))
            if len(holders) == 3 and isinstance(event, StepPaused | StepDone) and len(finished) < 3:
                bench.clock.passed += 60
                assert executor.pause.one()
    assert sorted(holders) == ["a", "b", "c"]
    assert finished == [("a", Outcome.DONE), ("b", Outcome.DONE), ("c", Outcome.DONE)]
    assert [bench.lines_of(step).count("once") for step in holders] == [1, 1, 1]


async def test_time_in_which_all_steps_were_held_does_not_count(bench: Bench) -> None:
    executor = bench.executor(bench.step("a"), bench.step("b", needs=("a",)))
    executor.pause.close()
    events: list[Event] = []
    async for event in executor.events():
        events.append(event)
        if isinstance(event, StepPaused):
            await asyncio.sleep(0)
            bench.clock.passed += 600
            assert executor.pause.one()
    assert last(events).seconds < 60
    assert all(event.seconds < 60 for event in events if isinstance(event, StepDone))


async def test_the_log_keeps_the_time_of_the_run_without_its_pauses(bench: Bench) -> None:
    executor = bench.executor(bench.step("a"))
    executor.pause.close()
    async for event in executor.events():
        if isinstance(event, StepPaused):
            await asyncio.sleep(0)
            bench.clock.passed += 600
            assert executor.pause.one()
    end = read_run(bench.run_log).end
    assert end is not None
    assert end.seconds < 60


class Slow:
    """A gate that takes a minute every time."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.passes = 0

    async def before(self, step: Step) -> None:
        self.passes += 1
        assert self.passes < 10, "the step passes the same gate again and again"
        self._bench.clock.passed += 60


async def test_a_gate_that_is_slow_every_time_does_not_keep_a_step_from_starting(bench: Bench) -> None:
    gate = Slow(bench)
    events = [event async for event in bench.executor(bench.step("a"), gates=(gate,)).events()]
    assert outcomes(events) == {"a": Outcome.DONE}
    assert gate.passes == 2
