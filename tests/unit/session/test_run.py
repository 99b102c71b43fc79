"""A run's controls: they count from the start, name the step they mean, and raise where they can have no effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from haconsole.actions.step import Plan
from haconsole.errors import HaconsoleError
from haconsole.execution.events import Event, Outcome, RunDone, StepPaused
from haconsole.execution.steps.executor import Executor
from haconsole.execution.steps.gate import Pause
from haconsole.model.names import StepId
from haconsole.session import NotStartedError, Run, RunState
from haconsole.session.run import LiveRun
from tests.fakes.executing import ExecutingSession, has_worked, making

A, B, C = (StepId(name) for name in "abc")


def run_of(folder: Path, *, step_by_step: bool = False) -> Run:
    session = ExecutingSession(folder, *(making(folder, name) for name in (A, B, C)))
    plan = session.plans["bootstrap"]
    return session.start(plan, step_by_step=step_by_step)  # type: ignore[arg-type]


async def wait_for_pause(events: AsyncIterator[Event], count: int) -> None:
    """Read events until so many steps wait at the pause."""
    while count:
        count -= isinstance(await anext(events), StepPaused)


async def test_a_run_paused_before_its_lock_is_taken_starts_paused(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    states = [run.state]
    run.pause()
    events = aiter(run.events())
    await wait_for_pause(events, 3)
    states.append(run.state)
    run.unpause()
    states.append(run.state)
    rest = [event async for event in events]
    assert [*states, run.state] == [RunState.STARTING, RunState.PAUSED, RunState.RUNNING, RunState.ENDED]
    assert isinstance(rest[-1], RunDone)
    assert rest[-1].outcome is Outcome.DONE


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_run_stopped_before_its_events_are_read_starts_nothing(tmp_path: Path, at_once: bool) -> None:
    run = run_of(tmp_path)
    run.stop(at_once=at_once)
    assert run.state is RunState.STOPPING
    with pytest.raises(NotStartedError, match="bootstrap was stopped before its first step"):
        await anext(aiter(run.events()))
    assert not has_worked(tmp_path, A)


async def test_a_stop_ends_the_wait_for_the_lock_and_its_question(tmp_path: Path) -> None:
    request, withdrawn = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def locked(pause: Pause) -> AsyncIterator[Executor]:
        request.set()
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        yield  # type: ignore[misc]

    run = LiveRun(Plan("bootstrap", "lab", ()), locked)

    async def stop() -> None:
        await request.wait()
        run.stop()

    with pytest.raises(NotStartedError):
        async with asyncio.timeout(5):
            await asyncio.gather(anext(aiter(run.events())), stop())
    assert withdrawn.is_set()
    assert run.state is RunState.ENDED


async def test_a_step_is_released_by_its_id_and_no_other_starts(tmp_path: Path) -> None:
    run = run_of(tmp_path, step_by_step=True)
    events = aiter(run.events())
    await wait_for_pause(events, 3)
    run.release(B)
    with pytest.raises(HaconsoleError, match="step b is not waiting at the pause"):
        run.release(B)
    while not has_worked(tmp_path, B):
        await anext(events)
    assert not has_worked(tmp_path, A)
    assert not has_worked(tmp_path, C)
    run.stop()
    last = [event async for event in events][-1]
    assert isinstance(last, RunDone)
    assert last.changed == 1


async def test_controls_of_a_run_that_has_ended_are_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    assert [event async for event in run.events()]
    assert run.state is RunState.ENDED
    for control in (run.pause, run.unpause, run.stop, lambda: run.release(A)):
        with pytest.raises(HaconsoleError, match="the run of bootstrap has ended"):
            control()
