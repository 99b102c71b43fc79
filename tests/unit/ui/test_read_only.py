"""A console that may change nothing: no key, command or way round leads to a change or to a shell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from textual.pilot import Pilot

from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunRecord, RunStatus
from haconsole.session import Session
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.keys import KEYS
from haconsole.ui.messages import (
    BeginAction,
    FixFinding,
    OfferActions,
    OpenShell,
    PlanAction,
    PlanUndo,
    Request,
    ResumeRun,
    StartRun,
)
from tests.fakes.cluster import INVENTORY
from tests.fakes.plans import PLAN, recorded
from tests.fakes.session import FakeSession, critical
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import THEME, Hand, running

SCREENS = {"dashboard": "", "findings": "f", "finding": "f enter", "host": "5 enter", "runs": "h"}
CHANGING = sorted({key.keys.partition(",")[0] for key in KEYS if key.changes})
LABELS = {key.label for key in KEYS if key.changes} - {"run"}
RECORD = recorded(RunStatus.ENDED, Outcome.FAILED)
WAYS: dict[str, Request] = {
    "a form": BeginAction("bootstrap"),
    "the menu": OfferActions(),
    "a fix": FixFinding(),
    "a plan": PlanAction("bootstrap", {}),
    "an undo": PlanUndo(),
    "a run": StartRun(PLAN, teaching=False),
    "a run to resume": ResumeRun(RECORD),
}


def read_only(by_inventory: bool) -> tuple[ConsoleApp, FakeSession]:
    session = FakeSession(critical(), plans={"bootstrap": PLAN, "undo": PLAN}, records=(RECORD,))

    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield session

    inventory = msgspec.structs.replace(INVENTORY, read_only=by_inventory)
    setting = Setting(inventory, THEME, THEME.name, opened, clock=Hand(), read_only=not by_inventory)
    return ConsoleApp(setting), session


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The hosts that the terminal is given to."""
    visited: list[object] = []

    async def visit(console: object, host: object) -> None:
        visited.append(host)

    monkeypatch.setattr("haconsole.ui.controllers.hosts.visit", visit)
    return visited


async def led(pilot: Pilot[None], keys: str) -> None:
    for key in keys.split():
        await pilot.press(key)
        await settled(pilot)


def untouched(app: ConsoleApp, session: FakeSession) -> bool:
    return (session.requests, session.stops, app.run_view) == ((), (), None)


@pytest.mark.parametrize("by_inventory", [False, True], ids=["option", "inventory"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_no_key_changes_anything_or_is_named(screen: str, by_inventory: bool, shells: list[object]) -> None:
    app, session = read_only(by_inventory)
    async with running(app) as pilot:
        await led(pilot, SCREENS[screen])
        here = app.screen
        footer = screen_text(app).splitlines()[-1]
        assert [label for label in LABELS if f" {label} " in footer] == []
        for key in CHANGING:
            await led(pilot, key)
            assert app.screen is here
        assert untouched(app, session)
        assert shells == []
        await led(pilot, "question_mark")
        assert [key.help for key in KEYS if key.changes and key.help and key.help in screen_text(app)] == []


@pytest.mark.parametrize("by_inventory", [False, True], ids=["option", "inventory"])
@pytest.mark.parametrize("way", WAYS)
async def test_no_way_round_the_keys_changes_anything(way: str, by_inventory: bool, shells: list[object]) -> None:
    app, session = read_only(by_inventory)
    async with running(app) as pilot:
        here = app.screen
        app.post_message(WAYS[way])
        await settled(pilot)
        assert app.screen is here
        assert "read-only" in [note.message for note in app._notifications][-1]
        app.post_message(OpenShell())
        await settled(pilot)
        assert shells == []
        assert untouched(app, session)


async def test_the_palette_offers_nothing_that_changes() -> None:
    app, _ = read_only(by_inventory=True)
    async with running(app, (160, 45)) as pilot:
        await led(pilot, "colon")
        assert [key.help for key in KEYS if key.changes and key.help and key.help in screen_text(app)] == []


async def test_the_fix_of_the_worst_finding_names_no_key(shells: list[object]) -> None:
    app, _ = read_only(by_inventory=False)
    async with running(app) as pilot, asyncio.timeout(20):
        while "fix" not in (text := screen_text(app)):
            await pilot.pause(0.05)
    assert "fix: Restart a service" in text
    assert "(m)" not in text


async def test_it_is_named_on_the_first_line() -> None:
    app, _ = read_only(by_inventory=True)
    async with running(app):
        assert "READ-ONLY" in screen_text(app).splitlines()[0]


def test_the_record_is_one_that_could_be_resumed() -> None:
    assert isinstance(RECORD, RunRecord)
    assert RECORD.standing is RunStatus.ENDED
