"""Frozen screens show no news until they continue; a click on a key of the last line presses it."""

from __future__ import annotations

import pytest

from haconsole.present.cells import text_of
from haconsole.ui.key import Scope
from haconsole.ui.key_bar import footer_keys, footer_line, key_at
from haconsole.ui.keys import KEYS
from haconsole.ui.widgets.bar import KeyBar
from tests.fakes.cluster import changed, etcd_silent, healthy
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows


async def test_a_frozen_screen_shows_no_news_and_then_all_of_them() -> None:
    fake = FakeSession(healthy())
    async with running(console(fake), (100, 30)) as pilot:
        await shows(pilot, "HEALTHY")
        await pilot.press("space")
        await shows(pilot, "FROZEN")
        fake.snapshot_queue.put_nowait(changed(healthy(), 2, etcd_silent))
        for _ in range(20):
            await pilot.pause(0.02)
        assert "● HEALTHY" in screen_text(pilot.app)
        assert "✖ down" not in screen_text(pilot.app)
        await pilot.press("space")
        await shows(pilot, "✖ down")
        assert "FROZEN" not in screen_text(pilot.app)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_each_cell_of_the_footer_belongs_to_the_key_that_is_shown_there(width: int) -> None:
    keys = tuple(key for key in KEYS if key.scope in (Scope.DASHBOARD, Scope.EVERYWHERE))
    line = text_of(footer_line(keys, width))
    for key in footer_keys(keys, width):
        start = line.index(f" {key.text} {key.label} ")
        assert key_at(keys, width, start) is key
        assert key_at(keys, width, start + len(f" {key.text} {key.label} ") - 1) is key
    assert key_at(keys, width, len(line)) is None


def test_a_click_on_the_second_of_two_signs_is_that_key() -> None:
    """The last line names a pair of keys once, for little room."""
    keys = [key for key in KEYS if key.scope is Scope.GRAPH]
    line = text_of(footer_line(keys, 120))
    for sign, expected in (
        ("+ -", "plus"),
        ("- zoom", "minus"),
        ("← →", "left"),
        ("→ cursor", "right"),
        ("]", "right"),
    ):
        key = key_at(keys, 120, line.index(sign))
        assert key is not None
        assert expected in key.keys
    assert key_at(keys, 120, line.index("zoom")) is key_at(keys, 120, line.index("+ -"))


async def test_a_click_on_a_key_presses_it() -> None:
    async with running(console(FakeSession(healthy())), (100, 30)) as pilot:
        await shows(pilot, "HEALTHY")
        line = screen_text(pilot.app).splitlines()[-1]
        await pilot.click(KeyBar, offset=(line.index("f findings"), 0))
        await settled(pilot)
        await shows(pilot, "esc back")
        line = screen_text(pilot.app).splitlines()[-1]
        await pilot.click(KeyBar, offset=(line.index("esc back"), 0))
        await shows(pilot, "lease holders")
