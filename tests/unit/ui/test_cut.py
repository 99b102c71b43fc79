"""Texts that do not fit are visibly cut, and can be read somewhere in full."""

from __future__ import annotations

from datetime import timedelta

import pytest

from haconsole.actions.catalogue import find_action
from haconsole.errors import HaconsoleError
from haconsole.model.findings import Health
from haconsole.present.bar import BarLink, BarView, LinkState, bar_line
from haconsole.present.cells import Cell, text_of, width_of
from haconsole.present.detail import Detail, Verbatim, detail_lines
from haconsole.present.form import form_for, form_lines, typed
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.state import ConsoleState
from tests.fakes.cluster import INVENTORY, NOW, healthy
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import THEME, Hand, console, running

WHY = "ssh to the jump host bastion.prod.example.net (203.0.113.9) was refused: Permission denied (publickey)"
ERROR = HaconsoleError(WHY, hint="try `ssh -J` by hand")


def bar(link: BarLink, width: int, **how: object) -> str:
    view = BarView("lab", Health.HEALTHY, link, (), 3, NOW, **how)  # type: ignore[arg-type]
    return text_of(bar_line(view, width, NOW + timedelta(seconds=1)))


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_bar_cuts_its_longest_part_with_an_ellipsis(width: int) -> None:
    output = bar(BarLink(LinkState.BROKEN, NOW, WHY), width)
    assert width_of(output) == width
    assert ("…" in output) is (WHY not in output)


def test_an_outdated_health_is_shown_as_past() -> None:
    assert "● HEALTHY" in bar(BarLink(LinkState.LIVE, NOW), 80)
    assert "? WAS HEALTHY" in bar(BarLink(LinkState.BROKEN, NOW, WHY), 80)
    assert "● HEALTHY" not in bar(BarLink(LinkState.BROKEN, NOW, WHY), 80)


def test_a_stream_that_stays_broken_has_its_first_time_and_is_one_event() -> None:
    state = ConsoleState(BarLink(LinkState.CONNECTING, NOW))
    for seconds in (1, 6, 16):
        state = state.with_link(BarLink(LinkState.BROKEN, NOW + timedelta(seconds=seconds), WHY))
    assert state.link.since == NOW + timedelta(seconds=1)
    assert [change.text for change in state.history] == [f"✖ cut off: {WHY}"]


async def test_why_the_stream_broke_off_is_read_in_full_among_the_events() -> None:
    session = FakeSession(healthy())
    async with running(console(session, retry_s=(60.0,))) as pilot:
        session.snapshot_queue.put_nowait(ERROR)
        await settled(pilot)
        assert "by hand" not in screen_text(pilot.app)
        await pilot.press("e")
        await settled(pilot)
        text = " ".join(screen_text(pilot.app).split())
        assert f"{WHY}; try `ssh -J` by hand" in text


async def test_a_first_connection_that_fails_is_shown_in_full() -> None:
    def refused() -> object:
        raise ERROR

    app = ConsoleApp(Setting(INVENTORY, THEME, THEME.name, refused, clock=Hand(), retry_s=(60.0,)))  # type: ignore[arg-type]
    async with running(app):
        text = " ".join(screen_text(app).split())
        assert f"✖ {WHY}; try `ssh -J` by hand. haconsole retries automatically." in text


def test_a_file_keeps_its_blanks() -> None:
    text = Detail("", tuple(Verbatim(Cell(line), "│") for line in ("backend k8s", "    server cp1  10.99.0.11:6443")))
    assert [text_of(line) for line in detail_lines(text, 40)] == [
        "│ backend k8s",
        "│     server cp1  10.99.0.11:6443",
    ]
    assert [text_of(line) for line in detail_lines(text, 20)] == [
        "│ backend k8s",
        "│     server cp1  ",
        "  10.99.0.11:6443",
    ]


def test_a_long_value_shows_its_end_where_it_is_typed() -> None:
    form = form_for(find_action("restore"), ("cp1",), {})
    for letter in "/var/backups/" + "x" * 60 + "/etcd.db":
        form = typed(form, letter)
    (line,) = (text_of(line) for line, here in form_lines(form, 60) if here)
    assert width_of(line) <= 60
    assert "…" in line
    assert line.endswith("/etcd.db▏")


async def test_a_form_longer_than_the_screen_follows_the_entry_and_keeps_its_verdict() -> None:
    async with running(console(FakeSession(healthy()))) as pilot:
        await pilot.press("a", *"rotate", "enter")
        await settled(pilot)
        text = screen_text(pilot.app)
        assert "▼" in text
        assert "enter makes the plan" in text
        await pilot.press(*["down"] * 9)
        await settled(pilot)
        text = screen_text(pilot.app)
        assert "due" in text
        assert "differ from the inventory (optional)" in " ".join(text.split())
        assert "enter makes the plan" in text
        await pilot.press(*["up"] * 9)
        await settled(pilot)
        assert "scope ◀" in " ".join(screen_text(pilot.app).split())
