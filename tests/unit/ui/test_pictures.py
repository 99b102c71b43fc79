"""Four screens as pictures, for what text does not show: colours, styles and borders."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ui.flows import SMALL, WIDE, led


@pytest.mark.parametrize(
    ("flow", "theme", "size"),
    [
        ("dashboard-critical", "dark", SMALL),
        ("dashboard-critical", "light", SMALL),
        ("plan", "dark", WIDE),
        ("run-failed", "light", WIDE),
    ],
    ids=["dashboard-dark", "dashboard-light", "plan-dark", "run-failed-light"],
)
def test_picture(snap_compare: Any, flow: str, theme: str, size: tuple[int, int]) -> None:
    app, press = led(flow, theme)
    assert snap_compare(app, terminal_size=size, run_before=press)
