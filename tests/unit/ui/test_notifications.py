"""Notifications cover neither the content nor the keys."""

from __future__ import annotations

import pytest
from textual.widgets._toast import Toast

from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.lines import LineWidget
from haconsole.ui.widgets.prompt import Line
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.flows import SMALL, led

LONG = "another console has the lock of this cluster: wait for its end, or look at what it does with haconsole status"


@pytest.mark.parametrize("flow", ["filter", "vip", "host", "journals", "palette", "form", "plan", "agreement-typed"])
async def test_a_message_takes_room_and_covers_nothing(flow: str) -> None:
    app, press = led(flow, "dark")
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await press(pilot)
        app.notify(LONG, title="not resumed", severity="error", markup=False)
        await settled(pilot)
        toasts = [toast.region for toast in app.screen.query(Toast)]
        assert len(toasts) == 1
        assert LONG in " ".join(screen_text(app).split())
        readings = [each for kind in (LineWidget, Line) for each in app.screen.query(kind) if each.region.area]
        covered = [each for each in readings if toasts[0].overlaps(each.region)]
        assert covered == []
        for keys in app.screen.query(KeyBar):
            assert keys.region.bottom == SMALL[1]
