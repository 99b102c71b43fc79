"""Guided runs by keys, the real executor below: watched, paused, step by step, stopped, failing, on and back."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from haconsole.model.names import StepId
from haconsole.ui.app import ConsoleApp
from tests.fakes.executing import ExecutingSession, has_worked, making
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running

A = StepId("a")
WITHIN_S = 20


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the console run until it holds; shows the screen when it never does."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                await pilot.pause(0.02)
    except TimeoutError:
        raise AssertionError(screen_text(pilot.app)) from None


async def shows(pilot: Pilot[None], text: str) -> None:
    await until(pilot, lambda: text in screen_text(pilot.app))


async def begin(pilot: Pilot[None], *before: str) -> None:
    """Bootstrap from menu to agreement; `before` are keys pressed at the plan."""
    await pilot.press("a", *"bootstrap", "enter", "enter")
    await until(pilot, lambda: re.search(r"\d steps? on cp1", screen_text(pilot.app)) is not None)
    await pilot.press(*before, "r")
    await shows(pilot, "run bootstrap on")
    await pilot.press("y")


def view_of(app: ConsoleApp) -> object:
    assert app.run_view is not None
    return app.run_view


async def test_a_run_goes_to_its_end(tmp_path: Path) -> None:
    session = ExecutingSession(tmp_path, making(tmp_path, "a"), making(tmp_path, "b", needs=("a",)))
    async with running(console(session)) as pilot:
        await begin(pilot)
        await shows(pilot, "● done after")
        assert has_worked(tmp_path, "a")
        assert has_worked(tmp_path, "b")
        await pilot.press("w")
        await shows(pilot, "2 changed, 0 already right, 0 failed")


async def test_the_last_result_is_shown_before_the_next_step_also_after_a_long_wait(tmp_path: Path) -> None:
    """All steps are held at once; each `n` starts the one marked next, and the screen then describes the one after."""
    session = ExecutingSession(tmp_path, *(making(tmp_path, name) for name in ("a", "b", "c")))
    async with running(console(session)) as pilot:
        await begin(pilot, "t")
        await shows(pilot, "3 paused")
        for holder, (step, following) in ((2, ("a", "b")), (1, ("b", "c"))):
            await asyncio.sleep(1.2)
            await pilot.press("n")
            await shows(pilot, f"{holder} paused")
            await shows(pilot, f": cp1: Make {step}")
            await shows(pilot, f"etcd cannot start without {following}.")
            await shows(pilot, "This step waits for you")
            assert has_worked(tmp_path, step)
            assert not has_worked(tmp_path, following)
        await pilot.press("n")
        await shows(pilot, "● done after")


async def test_taught_step_by_step_each_waits_for_a_key(tmp_path: Path) -> None:
    session = ExecutingSession(
        tmp_path, *(making(tmp_path, name, needs=needs) for name, needs in (("a", ()), ("b", ("a",)), ("c", ("b",))))
    )
    async with running(console(session), (160, 45)) as pilot:
        await begin(pilot, "t")
        await shows(pilot, "This step waits for you")
        assert "etcd cannot start without a." in screen_text(pilot.app)
        assert "Explanation" in screen_text(pilot.app)
        assert "the database of the entire cluster state" in screen_text(pilot.app)
        assert not has_worked(tmp_path, "a")
        await pilot.press("n")
        await shows(pilot, "etcd cannot start without b.")
        assert has_worked(tmp_path, "a")
        assert not has_worked(tmp_path, "b")
        await pilot.press("p")
        await shows(pilot, "● done after")
        assert has_worked(tmp_path, "c")


async def test_a_pause_holds_what_has_not_begun_and_lets_go_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    first = making(tmp_path, "a", first=f"read word <{tmp_path}/gate")
    session = ExecutingSession(tmp_path, first, making(tmp_path, "b", needs=("a",)))
    async with running(console(session)) as pilot:
        await begin(pilot)
        await shows(pilot, "▸ running")
        await pilot.press("p")
        await shows(pilot, "pausing after these")
        await asyncio.to_thread((tmp_path / "gate").write_text, "go\n")
        await shows(pilot, "‖ next")
        assert has_worked(tmp_path, "a")
        assert not has_worked(tmp_path, "b")
        await pilot.press("p")
        await shows(pilot, "● done after")
        assert has_worked(tmp_path, "b")


async def test_a_held_run_is_stopped_before_its_next_step(tmp_path: Path) -> None:
    session = ExecutingSession(tmp_path, making(tmp_path, "a"), making(tmp_path, "b", needs=("a",)))
    async with running(console(session)) as pilot:
        await begin(pilot, "t")
        await shows(pilot, "‖ next")
        await pilot.press("s")
        await shows(pilot, "stopped after")
        assert not has_worked(tmp_path, "a")
        await pilot.press("n", "p", "t")
        await settled(pilot)
        assert not has_worked(tmp_path, "a")


async def test_teaching_begins_and_ends_in_the_middle(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    first = making(tmp_path, "a", first=f"read word <{tmp_path}/gate")
    session = ExecutingSession(
        tmp_path, first, making(tmp_path, "b", needs=("a",)), making(tmp_path, "c", needs=("b",))
    )
    async with running(console(session), (160, 45)) as pilot:
        await begin(pilot)
        await shows(pilot, "▸ running")
        await pilot.press("t")
        await asyncio.to_thread((tmp_path / "gate").write_text, "go\n")
        await shows(pilot, "This step waits for you")
        assert not has_worked(tmp_path, "b")
        await pilot.press("t")
        await shows(pilot, "● done after")
        assert has_worked(tmp_path, "c")


async def test_a_failed_step_shows_the_reason_and_no_later_step_begins(tmp_path: Path) -> None:
    fault = making(tmp_path, "a", first="echo the disk is full >&2; false")
    session = ExecutingSession(tmp_path, fault, making(tmp_path, "b", needs=("a",)))
    async with running(console(session)) as pilot:
        await begin(pilot)
        await shows(pilot, "✖ failed after")
        assert not has_worked(tmp_path, "b")
        await pilot.press("w")
        await shows(pilot, "the disk is full")


async def test_a_failed_run_is_fixed_resumed_and_undone(tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    steps = (making(tmp_path, "a"), making(tmp_path, "b", needs=("a",), first=f"test -e {mended}"))
    async with running(console(ExecutingSession(tmp_path, *steps))) as pilot:
        await begin(pilot)
        await shows(pilot, "✖ failed after")
        assert (has_worked(tmp_path, "a"), has_worked(tmp_path, "b")) == (True, False)
        await shows(pilot, "Changes on the cluster, before and after")
        mended.touch()
        await shows(pilot, "r resume")
        await pilot.press("r")
        await shows(pilot, "resume bootstrap of lab?")
        await pilot.press("y")
        await shows(pilot, "● done after")
        assert has_worked(tmp_path, "b")
        assert "r resume" not in screen_text(pilot.app)
        await pilot.press("escape", "escape", "h")
        await shows(pilot, "● done")
        await pilot.press("u")
        await shows(pilot, "plan: undo")
        await pilot.press("r")
        await shows(pilot, "run undo on lab?")
        await pilot.press("y")
        await shows(pilot, "● done after")
        assert (has_worked(tmp_path, "a"), has_worked(tmp_path, "b")) == (False, False)


async def test_n_starts_the_step_that_is_shown_and_none_while_one_is_under_way(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    second = making(tmp_path, "b", first=f"read word <{tmp_path}/gate")
    session = ExecutingSession(tmp_path, making(tmp_path, "a"), second, making(tmp_path, "c"))
    async with running(console(session), (160, 45)) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await begin(pilot, "t")
        await until(pilot, lambda: app.run_view is not None and len(app.run_view.paused_steps) == 3)
        await asyncio.sleep(1.5)  # longer than any pass of a gate
        await pilot.press("g", "down")
        await shows(pilot, "This step is paused, and another step is next")
        await pilot.press("n")
        await until(pilot, lambda: app.run_view is not None and app.run_view.working == (StepId("b"),))
        await pilot.press("n", "n")
        await settled(pilot)
        assert not has_worked(tmp_path, "a")
        assert any("is under way; wait for its end" in output.message for output in app._notifications)
        await asyncio.to_thread((tmp_path / "gate").write_text, "go\n")
        await until(pilot, lambda: has_worked(tmp_path, "b"))
        assert not has_worked(tmp_path, "a")
        assert not has_worked(tmp_path, "c")
        await until(pilot, lambda: app.run_view is not None and not app.run_view.working)
        await pilot.press("p")
        await shows(pilot, "● done after")


async def test_q_during_a_run_needs_a_confirmation(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    session = ExecutingSession(tmp_path, making(tmp_path, "a", first=f"read word <{tmp_path}/gate"))
    async with running(console(session)) as pilot:
        await begin(pilot)
        await shows(pilot, "▸ running")
        await pilot.press("q")
        await shows(pilot, "close the console?")
        await pilot.press("n")
        await shows(pilot, "▸ running")
        await asyncio.to_thread((tmp_path / "gate").write_text, "go\n")
        await shows(pilot, "Changes on the cluster, before and after")
        await pilot.press("escape", "q")
        await shows(pilot, "[1] etcd")
