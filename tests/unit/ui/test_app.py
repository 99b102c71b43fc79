"""The console from the outside: keys in, screen out, fed by a session that a test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from haconsole.errors import HaconsoleError
from haconsole.model.status import ClusterStatus
from haconsole.present.bar import LinkState
from haconsole.session import Session
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.key import Key, Scope
from haconsole.ui.keys import KEYS
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.screens.journal import HostScreen
from haconsole.ui.theming import find_theme, theme_folders
from haconsole.ui.widgets.lines import LineWidget
from haconsole.ui.widgets.table import TablePane
from haconsole.ui.widgets.text import TextPane
from tests.fakes.cluster import INVENTORY, NOW, healthy
from tests.fakes.session import FakeSession, critical, degraded
from tests.unit.ui.driver import screen_text, settled

THEME = find_theme("dark", theme_folders())


class Hand:
    """A clock that a test moves."""

    def __init__(self, start: datetime = NOW) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now


def console(session: Session, clock: Callable[[], datetime] | None = None, **how: Any) -> ConsoleApp:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        try:
            yield session
        finally:
            await session.close()

    return ConsoleApp(Setting(session.inventory, THEME, THEME.name, opened, clock=clock or Hand(), **how))


@asynccontextmanager
async def running(app: ConsoleApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


def pane(app: ConsoleApp, name: str) -> TablePane:
    return app.screen.query_one(f"#{name}", TablePane)


async def test_the_dashboard_waits_and_then_shows_what_came() -> None:
    session = FakeSession()
    app = console(session)
    async with running(app) as pilot:
        assert "? waiting for the first answers" in screen_text(app)
        assert "connecting" in screen_text(app)
        session.snapshot_queue.put_nowait(healthy())
        await settled(pilot)
        text = screen_text(app)
        assert "● HEALTHY" in text
        assert "cp1    ★ leader ● healthy" in text
        assert "no problem found" in text
        assert app.state.link.state is LinkState.LIVE


async def test_changes_show_without_a_key_and_stay_on_the_timeline() -> None:
    session = FakeSession(healthy())
    app = console(session)
    async with running(app, (160, 47)) as pilot:
        session.snapshot_queue.put_nowait(critical())
        await settled(pilot)
        text = screen_text(app)
        assert "✖ CRITICAL" in text
        assert "owner cp1 → nobody" in text
        assert "server UP → DOWN on cp1, cp2, cp3" in text
        assert "holder cp1 → cp3" in text
        assert "member cp2 is not healthy" in text


async def test_data_that_grows_old_is_seen_to_grow_old() -> None:
    clock = Hand()
    app = console(FakeSession(healthy()), clock)
    async with running(app) as pilot:
        assert "<3s old" in screen_text(app)
        clock.now = NOW + timedelta(seconds=42)
        app.tick()
        await settled(pilot)
        text = screen_text(app)
        assert "▲ 42s old" in text
        assert "<3s old" not in text
        assert "▲ no news for 42s" in text
        assert "✖ expired" in text


async def test_keys_move_between_panes_and_rows() -> None:
    app = console(FakeSession(degraded()))
    async with running(app) as pilot:
        assert pane(app, "etcd").has_focus
        await pilot.press("tab")
        assert pane(app, "vips").has_focus
        await pilot.press("shift+tab", "shift+tab")
        assert pane(app, "findings").has_focus
        await pilot.press("5", "j", "j", "j", "k")
        hosts = pane(app, "hosts")
        assert hosts.has_focus
        assert hosts.window.key == hosts.window.rows[1].key
        await pilot.press("G")
        assert hosts.window.key == hosts.window.rows[2].key


async def test_the_cursor_stays_with_its_row_when_others_come_before_it() -> None:
    session = FakeSession(degraded())
    app = console(session)
    async with running(app) as pilot:
        await pilot.press("6")
        findings = pane(app, "findings")
        before = findings.window.key
        session.snapshot_queue.put_nowait(critical())
        await settled(pilot)
        session.snapshot_queue.put_nowait(degraded())
        await settled(pilot)
        assert findings.window.key == before


async def test_enter_shows_all_about_the_row_and_escape_returns() -> None:
    session = FakeSession(degraded())
    app = console(session)
    async with running(app) as pilot:
        await pilot.press("6", "enter")
        text = screen_text(app)
        assert "Evidence" in text
        assert "Fix" in text
        assert "no answer within 10 s" in text
        await pilot.press("escape")
        assert pane(app, "findings").has_focus


async def test_a_window_follows_the_cluster_while_it_is_open() -> None:
    session = FakeSession(degraded())
    app = console(session)
    async with running(app) as pilot:
        await pilot.press("6", "enter")
        session.snapshot_queue.put_nowait(healthy())
        await settled(pilot)
        text = screen_text(app)
        assert "● resolved at 03:00:0" in text
        assert "no answer within 10 s" in text, "a person who reads the finding still sees what it was"
        session.snapshot_queue.put_nowait(degraded())
        await settled(pilot)
        assert "resolved at" not in screen_text(app)


async def test_zoom_shows_one_pane_with_more_columns() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        assert "10.99.0.12:6443" not in screen_text(app)
        await pilot.press("3", "z")
        text = screen_text(app)
        assert "10.99.0.12:6443" in text
        assert "MEMBER" not in text
        await pilot.press("z")
        assert "MEMBER" in screen_text(app)


async def test_events_can_be_reached_where_they_have_no_place() -> None:
    app = console(FakeSession(critical()))
    async with running(app) as pilot:
        assert "nothing has changed since start" not in screen_text(app)
        await pilot.press("7")
        assert "nothing has changed since start" in screen_text(app)
        await pilot.press("1", "z")
        assert "VIP owner" in screen_text(app)


async def test_help_lists_the_keys_of_the_screen() -> None:
    app = console(FakeSession(healthy()))
    async with running(app, (100, 60)) as pilot:
        await pilot.press("question_mark")
        text = screen_text(app)
        assert "Show only this pane and the details of its row" in text
        assert "Close the console; nothing on the hosts stops" in text


async def test_a_broken_stream_is_reported_and_reconnected() -> None:
    session = FakeSession(healthy())
    app = console(session, retry_s=(60.0,))
    async with running(app) as pilot:
        session.snapshot_queue.put_nowait(HaconsoleError("jump host refused", hint="check ssh.jump"))
        await settled(pilot)
        assert "✖ CUT OFF 0s: jump host refused; check ssh.jump" in screen_text(app)
        assert "★ leader" in screen_text(app)

    session = FakeSession(healthy())
    app = console(session, retry_s=(0.0,))
    async with running(app) as pilot:
        session.snapshot_queue.put_nowait(HaconsoleError("jump host refused"))
        await settled(pilot)
        assert session.watchers == 2
        assert "● live" in screen_text(app)


async def test_a_session_that_cannot_be_opened_has_a_message() -> None:
    def refused() -> Any:
        raise HaconsoleError("no key for cp1")

    app = ConsoleApp(Setting(INVENTORY, THEME, THEME.name, refused, clock=Hand(), retry_s=(60.0,)))
    async with running(app):
        assert "no key for cp1" in screen_text(app)


async def test_a_fault_of_the_consoles_own_shows_no_value() -> None:
    class Faulty(FakeSession):
        def status_of(self, snapshot: object) -> ClusterStatus:
            password = "hunter2-very-secret"
            raise ValueError(f"cannot use {password}")

    app = console(Faulty(healthy()))
    async with running(app):
        text = screen_text(app)
        assert "internal error: ValueError at" in text
        assert "hunter2" not in text


async def test_a_crash_prints_places_only(capsys: pytest.CaptureFixture[str]) -> None:
    app = console(FakeSession(healthy()))

    def crash() -> None:
        password = "hunter2-very-secret"
        raise ValueError(f"cannot use {password}")

    async def run_into_it() -> None:
        async with running(app) as pilot:
            app.call_next(crash)
            await settled(pilot)

    with pytest.raises(ValueError, match="hunter2"):
        await run_into_it()
    message = capsys.readouterr()
    assert "internal error: ValueError" in message.err + message.out
    assert "hunter2" not in message.err + message.out


async def test_ascii_terminals_get_ascii() -> None:
    app = console(FakeSession(critical()), ascii_only=True)
    async with running(app, (160, 45)):
        strips = [strip for widget in app.screen.query(LineWidget) for strip in widget.render_lines(widget.size.region)]
        text = "".join(segment.text for strip in strips for segment in strip)
        assert "x UNOWNED" in text or "x 10.99.0.100 UNOWNED" in text
        assert text.isascii()


async def test_wide_screens_show_details_of_the_row_under_the_cursor() -> None:
    app = console(FakeSession(healthy()))
    async with running(app, (160, 45)) as pilot:
        detail = app.screen.query_one("#detail", TextPane)
        assert detail.detail is not None
        assert detail.detail.title == "etcd member cp1"
        await pilot.press("j")
        assert detail.detail.title == "etcd member cp2"
        await pilot.press("5")
        assert detail.detail.title == "host cp1"


async def test_quit_gives_the_session_back() -> None:
    session = FakeSession(healthy())
    async with running(console(session)) as pilot:
        assert not session.closed
        await pilot.press("q")
    assert session.closed


async def test_a_filter_narrows_the_pane_while_it_is_typed() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        await pilot.press("5", "slash", "c", "p", "2")
        await settled(pilot)
        hosts = pane(app, "hosts")
        assert hosts.window.view is not None
        assert [row.cells[0].text for row in hosts.window.rows] == ["cp2"]
        await pilot.press("enter")
        assert hosts.has_focus
        assert "/cp2" in screen_text(app)
        await pilot.press("escape")
        assert len(hosts.window.rows) == 3


async def test_letters_typed_into_a_filter_are_no_commands() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        await pilot.press("slash", "q", "z", "1")
        await settled(pilot)
        assert app.is_running
        assert pane(app, "etcd").window.wish.needle == "qz1"
        await pilot.press("escape")
        assert pane(app, "etcd").window.wish.needle == ""


async def test_the_details_follow_the_filter() -> None:
    app = console(FakeSession(healthy()))
    async with running(app, (160, 45)) as pilot:
        detail = app.screen.query_one("#detail", TextPane)
        await pilot.press("slash", "c", "p", "2")
        await settled(pilot)
        assert detail.detail is not None
        assert detail.detail.title == "etcd member cp2"


async def test_findings_have_a_screen_with_why_and_what_helps() -> None:
    app = console(FakeSession(critical()))
    async with running(app) as pilot:
        await pilot.press("f")
        await settled(pilot)
        text = screen_text(app)
        assert "Every balancer was queried and none has the address" in text
        assert "MEMBER" not in text
        await pilot.press("j", "j")
        await settled(pilot)
        assert "etcd.member-down · cp2" in screen_text(app)
        await pilot.press("tab")
        assert app.screen.query_one("#detail", TextPane).has_focus
        await pilot.press("escape")
        assert "MEMBER" in screen_text(app)


async def test_the_palette_finds_hosts() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        await pilot.press("colon", *"host cp2", "enter")
        await settled(pilot)
        assert isinstance(app.screen, HostScreen)
        assert app.screen.hosts == ("cp2",)


async def test_the_palette_finds_a_command_and_does_it() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        await pilot.press("colon", "c", "e", "r", "t")
        await settled(pilot)
        assert "Certificates: the next to expire first" in screen_text(app)
        await pilot.press("enter")
        await settled(pilot)
        assert pane(app, "certificates").has_focus


async def test_themes_change_by_key() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        assert app.theme == "dark"
        await pilot.press("T")
        assert app.theme == "high-contrast"
        await pilot.press("colon", *"theme light", "enter")
        await settled(pilot)
        assert app.theme == "light"
        await pilot.press("ctrl+t")
        assert app.theme == "light"


async def test_a_row_is_copied() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        await pilot.press("5", "y")
        await settled(pilot)
        assert app.clipboard.startswith("cp1  ● reached  ● 6/6 active")


@pytest.mark.parametrize(
    "key", [key for key in KEYS if key.changes and key.scope is Scope.DASHBOARD], ids=lambda k: k.text
)
async def test_no_key_of_a_read_only_dashboard_changes_a_host(key: Key) -> None:
    session = FakeSession(critical())
    app = console(session, read_only=True)
    async with running(app) as pilot:
        await pilot.press("f", key.keys.partition(",")[0])
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)
        assert "read-only" in [note.message for note in app._notifications][-1]
        await pilot.press("question_mark")
        await settled(pilot)
        assert key.help not in screen_text(app)
