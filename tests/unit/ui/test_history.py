"""Earlier runs: listed, opened, resumed, and offered at start when one was interrupted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from haconsole.actions.step import Refusal
from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunRecord, RunStatus, UnreadableRun
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.screens.running import RunScreen
from tests.fakes.cluster import healthy
from tests.fakes.plans import PLAN, recorded, running_events
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows

FAILED = recorded(RunStatus.ENDED, Outcome.FAILED, hours_ago=2)
BROKEN = recorded(RunStatus.BROKEN_OFF)
TORN = UnreadableRun(Path("/runs/20260228T010000Z-join-0000.jsonl"), "it does not begin like a run log")


def remembering(*records: RunRecord | UnreadableRun, **how: object) -> FakeSession:
    return FakeSession(healthy(), records=records, events=running_events(), more=asyncio.Queue(), **how)  # type: ignore[arg-type]


async def test_runs_are_listed_with_how_they_ended() -> None:
    async with running(console(remembering(FAILED, BROKEN, TORN)), (160, 45)) as pilot:
        await pilot.press("h")
        await shows(pilot, "✖ failed")
        text = screen_text(pilot.app)
        assert "▲ interrupted" in text
        assert "✖ cannot be read" in text
        assert "1/4" in text
        assert "ops@laptop" in text
        assert "disk full" in text
        assert "fix the failure, then run bootstrap again" in text


async def test_a_run_is_opened_step_by_step() -> None:
    async with running(console(remembering(FAILED)), (160, 45)) as pilot:
        await pilot.press("h")
        await shows(pilot, "✖ failed")
        await pilot.press("enter")
        await shows(pilot, "run: bootstrap")
        await pilot.press("j")
        await shows(pilot, "Created symlink")
        text = screen_text(pilot.app)
        assert "– not started" in text
        assert "disk full" in text
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, Dashboard)


async def test_an_interrupted_run_is_offered_at_start_and_resumed() -> None:
    session = remembering(BROKEN, FAILED)
    async with running(console(session)) as pilot:
        await shows(pilot, "a run was interrupted: show it?")
        await pilot.press("y")
        await shows(pilot, "1 interrupted")
        await pilot.press("r")
        await shows(pilot, "resume bootstrap of lab?")
        assert "Started, with unknown result" in screen_text(pilot.app)
        await pilot.press("y")
        await settled(pilot)
        assert session.stops[0] == f"resume {BROKEN.header.run}"
        assert isinstance(pilot.app.screen, RunScreen)
        await shows(pilot, "▸ running")


async def test_the_screen_of_an_interrupted_run_resumes_it() -> None:
    session = remembering(BROKEN)
    async with running(console(session)) as pilot:
        await shows(pilot, "a run was interrupted: show it?")
        await pilot.press("y")
        await shows(pilot, "1 interrupted")
        await pilot.press("enter")
        await shows(pilot, " r resume ")
        await pilot.press("r")
        await shows(pilot, "resume bootstrap of lab?")
        await pilot.press("y")
        await settled(pilot)
        assert session.stops[0] == f"resume {BROKEN.header.run}"


async def test_a_run_that_may_not_be_resumed_shows_the_reason() -> None:
    session = remembering(FAILED, refusal="the inventory was changed since the run: hosts")
    async with running(console(session)) as pilot:
        await pilot.press("h")
        await shows(pilot, "✖ failed")
        await pilot.press("r")
        await shows(pilot, "the inventory was changed since the run: hosts")
        assert session.stops == ()


async def test_nothing_is_offered_when_the_newest_run_came_to_an_end() -> None:
    async with running(console(remembering(FAILED, BROKEN))) as pilot:
        await settled(pilot)
        assert isinstance(pilot.app.screen, Dashboard)


async def test_a_read_only_console_shows_runs_and_resumes_none() -> None:
    session = remembering(BROKEN)
    async with running(console(session, read_only=True)) as pilot:
        await settled(pilot)
        assert isinstance(pilot.app.screen, Dashboard)
        await pilot.press("h")
        await shows(pilot, "▲ interrupted")
        assert "resume" not in screen_text(pilot.app).splitlines()[-1]
        await pilot.press("r")
        await settled(pilot)
        assert "resume bootstrap of lab?" not in screen_text(pilot.app)
        assert session.stops == ()


async def test_a_run_is_undone_by_a_plan_that_is_read_first() -> None:
    back = replace(PLAN, action="undo", steps=tuple(reversed(PLAN.steps)))
    session = remembering(FAILED, plans={"undo": back})
    async with running(console(session)) as pilot:
        await pilot.press("h")
        await shows(pilot, "✖ failed")
        await pilot.press("u")
        await shows(pilot, "plan: undo")
        assert session.requests == (("undo", {"run": FAILED.header.run}),)
        await pilot.press("r")
        await shows(pilot, "run undo on lab?")
        await pilot.press("y")
        await settled(pilot)
        assert isinstance(pilot.app.screen, RunScreen)


async def test_a_run_that_cannot_be_undone_shows_the_reason() -> None:
    refused = Refusal("undo", "lab", ("nothing of it is known to be done",))
    async with running(console(remembering(FAILED, plans={"undo": refused}))) as pilot:
        await pilot.press("h")
        await shows(pilot, "✖ failed")
        await pilot.press("u")
        await shows(pilot, "nothing of it is known to be done")


async def test_a_read_only_console_undoes_nothing() -> None:
    session = remembering(FAILED, plans={"undo": PLAN})
    async with running(console(session, read_only=True)) as pilot:
        await pilot.press("h")
        await shows(pilot, "✖ failed")
        await pilot.press("u")
        await settled(pilot)
        assert session.requests == ()
