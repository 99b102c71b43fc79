"""Every screen as text, at the smallest and at a wide size: pytest --update-screens writes the files again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.ui.driver import screen_text
from tests.unit.ui.flows import FLOWS, SMALL, WIDE, led

FOLDER = Path(__file__).parent / "screens"
SIZES = {"80x24": SMALL, "160x45": WIDE}


@pytest.mark.parametrize("size", ["80x24", pytest.param("160x45", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("flow", FLOWS)
async def test_screen(flow: str, size: str, request: pytest.FixtureRequest) -> None:
    app, press = led(flow, "dark")
    async with app.run_test(size=SIZES[size]) as pilot:
        await press(pilot)
        text = screen_text(app) + "\n"
    file = FOLDER / f"{flow}-{size}.txt"
    if request.config.getoption("--update-screens"):
        file.write_text(text)
    assert text == file.read_text(), f"{file.name} differs; if the change is wanted: pytest --update-screens"


def test_every_file_has_its_screen() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == {f"{flow}-{size}" for flow in FLOWS for size in SIZES}
