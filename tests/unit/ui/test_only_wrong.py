"""Only what is wrong, in all panes by one key; a click on a header sorts."""

from __future__ import annotations

from tests.fakes.session import FakeSession, critical
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, pane, running


async def test_one_key_leaves_only_what_is_wrong_in_all_panes() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        assert "cp1     ★ leader  ● healthy" in screen_text(pilot.app)
        await pilot.press("x")
        await settled(pilot)
        text = screen_text(pilot.app)
        assert "★ leader" not in text
        assert "✖ down" in text
        assert "only wrong" in text
        assert "controller-manager" not in text
        assert "fix (m): " in text, "the fix of the worst finding stays"
        heads = [line for line in text.splitlines() if "] " in line]
        assert len(heads) >= 4
        assert not [line for line in heads if "…" in line]
        await pilot.press("x")
        await settled(pilot)
        assert "★ leader" in screen_text(pilot.app)


async def test_a_click_on_a_header_sorts_by_it() -> None:
    app = console(FakeSession(critical()))
    async with running(app) as pilot:
        before = [row.cells[0].text for row in pane(app, "etcd").window.rows]
        await pilot.click("#etcd", offset=(2, 1))
        await pilot.click("#etcd", offset=(2, 1))
        await settled(pilot)
        assert "MEMBER↓" in screen_text(app)
        assert [row.cells[0].text for row in pane(app, "etcd").window.rows] == list(reversed(before))
