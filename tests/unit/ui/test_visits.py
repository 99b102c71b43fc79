"""Back and forward through the screens that were opened."""

from __future__ import annotations

from haconsole.present.row_keys import HostKey
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.screens.graph import GraphScreen
from haconsole.ui.screens.journal import HostScreen, JournalScreen
from haconsole.ui.screens.overlay import TextWindow
from haconsole.ui.screens.path import PathScreen
from tests.fakes.cluster import healthy
from tests.fakes.path import on_path
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import settled
from tests.unit.ui.test_app import console, running


async def test_back_and_forward_through_screens() -> None:
    app = console(FakeSession(on_path(healthy())))
    async with running(app) as pilot:

        async def press(*keys: str) -> type:
            for key in keys:
                await pilot.press(key)
                await settled(pilot)
            return type(app.screen)

        assert await press("v") is GraphScreen
        await press("escape", "5", "j")
        assert await press("enter") is HostScreen
        assert await press("escape", "1", "j", "l") is JournalScreen
        assert await press("escape") is Dashboard
        assert await press("less_than_sign") is JournalScreen
        assert getattr(app.screen, "part", "") == "etcd"
        assert await press("less_than_sign") is HostScreen
        assert getattr(app.screen, "subject", None) == HostKey(healthy().hosts[1].host)
        assert await press("less_than_sign") is GraphScreen
        assert await press("less_than_sign") is Dashboard
        assert await press("greater_than_sign", "greater_than_sign") is HostScreen
        assert await press("greater_than_sign", "greater_than_sign") is JournalScreen
        assert len(app.screen_stack) == 2
        assert [each.message for each in app._notifications] == ["▲ there is no later screen"]


async def test_a_new_screen_drops_those_after_it() -> None:
    app = console(FakeSession(on_path(healthy())))
    async with running(app) as pilot:
        for key in ("v", "escape", "p", "less_than_sign", "escape", "1", "enter", "greater_than_sign"):
            await pilot.press(key)
            await settled(pilot)
        assert type(app.screen) is TextWindow
        assert [each.message for each in app._notifications] == ["▲ there is no later screen"]


async def test_back_from_a_screen_that_was_below_another() -> None:
    app = console(FakeSession(on_path(healthy())))
    async with running(app) as pilot:
        for key in ("p", "right", "enter", "escape"):
            await pilot.press(key)
            await settled(pilot)
        assert isinstance(app.screen, PathScreen)
        await pilot.press("less_than_sign")
        await settled(pilot)
        assert len(app.screen_stack) == 1


async def test_graphs_slow_their_readings_down_when_left_that_way() -> None:
    session = FakeSession(on_path(healthy()))
    app = console(session)
    async with running(app) as pilot:
        for key in ("v", "less_than_sign"):
            await pilot.press(key)
            await settled(pilot)
        assert type(app.screen) is Dashboard
        assert session.paces == (True, False)


async def test_a_form_is_not_left_that_way() -> None:
    app = console(FakeSession(on_path(healthy())))
    async with running(app) as pilot:
        for key in ("v", "escape", "a", "b", "o", "o", "t", "s", "enter"):
            await pilot.press(key)
            await settled(pilot)
        form = app.screen
        await pilot.press("less_than_sign")
        await settled(pilot)
        assert app.screen is form
