"""Guided actions: offered, filled in, planned, agreed to."""

from __future__ import annotations

import asyncio

from haconsole.actions.catalogue import find_action
from haconsole.errors import HaconsoleError
from haconsole.execution.events import Event
from haconsole.ui.app import ConsoleApp
from haconsole.ui.screens.acting import PlanScreen
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.screens.running import RunScreen
from tests.fakes.cluster import healthy
from tests.fakes.plans import FINAL, PLAN, REFUSED, ended, running_events
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running

TITLE = find_action("bootstrap").title


def planned(**how: object) -> FakeSession:
    return FakeSession(healthy(), plans={"bootstrap": PLAN}, events=running_events(), more=asyncio.Queue(), **how)  # type: ignore[arg-type]


def tell(session: FakeSession, *events: Event) -> None:
    assert session.more is not None
    for event in events:
        session.more.put_nowait(event)
    session.more.put_nowait(None)


async def to_plan(app: ConsoleApp, pilot: object) -> None:
    """From the dashboard to bootstrap's plan, by the keys a person would press."""
    press = pilot.press  # type: ignore[attr-defined]
    await press("a", *"bootstrap", "enter")
    await settled(pilot)  # type: ignore[arg-type]
    assert TITLE in screen_text(app)
    await press("enter")
    await settled(pilot)  # type: ignore[arg-type]


async def test_an_action_goes_from_menu_to_form_to_plan() -> None:
    session = planned()
    app = console(session)
    async with running(app) as pilot:
        await to_plan(app, pilot)
        assert session.requests == (("bootstrap", {}),)
        text = screen_text(app)
        assert "4 steps on cp1, cp2, cp3" in text
        assert "Write etcd's environment" in text
        assert "write /etc/etcd/etcd.env" in text
        await pilot.press("j")
        await settled(pilot)
        assert "systemctl enable --now etcd" in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, Dashboard)


async def test_a_form_takes_offered_values_and_names_errors() -> None:
    session = planned()
    app = console(session)
    async with running(app) as pilot:
        await pilot.press("a", *"bootstrap", "enter")
        await settled(pilot)
        assert "(not set)" in screen_text(app)
        await pilot.press("right")
        assert "◀ etcd ▶" in screen_text(app)
        await pilot.press("k")
        assert "◀ keepalived ▶" in screen_text(app)
        await pilot.press("backspace")
        assert "(not set)" in screen_text(app)
        await pilot.press("h", "enter")
        await settled(pilot)
        assert session.requests == (("bootstrap", {"only": "haproxy"}),)


async def test_a_refusal_shows_its_reasons_and_runs_nothing() -> None:
    app = console(FakeSession(healthy(), plans={"bootstrap": REFUSED}))
    async with running(app) as pilot:
        await to_plan(app, pilot)
        text = screen_text(app)
        assert "bootstrap is refused" in text
        assert "holds data of another cluster" in text
        await pilot.press("r")
        assert isinstance(app.screen, PlanScreen)
        assert app.run_view is None


async def test_a_plan_that_cannot_be_made_has_a_message() -> None:
    class Failing(FakeSession):
        async def plan(self, action: str, request: object) -> object:  # type: ignore[override]
            raise HaconsoleError("no host answered", hint="look at the hosts pane")

    app = console(Failing(healthy()))
    async with running(app) as pilot:
        await to_plan(app, pilot)
        assert "no host answered; look at the hosts pane" in screen_text(app)


async def test_no_is_no() -> None:
    session = planned()
    app = console(session)
    async with running(app) as pilot:
        await to_plan(app, pilot)
        await pilot.press("r", "n")
        await settled(pilot)
        assert isinstance(app.screen, PlanScreen)
        assert app.run_view is None


async def test_a_run_that_cannot_be_undone_wants_the_clusters_name_typed() -> None:
    session = FakeSession(healthy(), plans={"bootstrap": FINAL}, events=running_events(), more=asyncio.Queue())
    app = console(session)
    async with running(app) as pilot:
        await to_plan(app, pilot)
        assert "1 cannot be undone" in screen_text(app)
        await pilot.press("r")
        await settled(pilot)
        assert "cp1: Write etcd's environment" in screen_text(app)
        await pilot.press(*"lba", "enter")
        await settled(pilot)
        assert "that is not the cluster's name" in [note.message for note in app._notifications][-1]
        assert app.run_view is None
        await pilot.press("backspace", "backspace", *"ab", "enter")
        await settled(pilot)
        assert isinstance(app.screen, RunScreen)
        tell(session, *ended())


async def test_a_read_only_console_offers_no_action() -> None:
    app = console(planned(), read_only=True)
    async with running(app) as pilot:
        assert "READ-ONLY" in screen_text(app)
        assert "actions" not in screen_text(app)
        await pilot.press("a")
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)
        await pilot.press("colon", *"actions")
        await settled(pilot)
        assert "no command matches" in screen_text(app)
