"""Every screen as text, at the smallest and at a wide size: pytest --update-screens writes the files again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from haconsole.present.ascii import ascii_text
from tests.unit.ui.driver import screen_text
from tests.unit.ui.flows import FLOWS, SMALL, WIDE, led

FOLDER = Path(__file__).parent / "screens"
FILES = sorted(FOLDER.iterdir())
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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_head_of_no_pane_is_cut(file: Path) -> None:
    """Its summary has a form that fits."""
    heads = re.findall(r"\[\d] [^\[]*", file.read_text(encoding="utf-8"))
    assert not [head for head in heads if "…" in head.splitlines()[0]]


@pytest.mark.parametrize("flow", ["path-healthy", "path-broken"])
def test_the_drawing_of_a_path_is_not_cut_at_80_columns(flow: str) -> None:
    assert "…" not in (FOLDER / f"{flow}-80x24.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flow", "title"), [("events", "WHAT CHANGED"), ("certificates", "NOT AFTER"), ("runs", "BEGUN")]
)
def test_no_row_is_cut_beside_an_almost_empty_detail(flow: str, title: str) -> None:
    text = (FOLDER / f"{flow}-160x45.txt").read_text(encoding="utf-8")
    assert title in text
    assert "…" not in text


def test_every_file_has_its_screen() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == {f"{flow}-{size}" for flow in FLOWS for size in SIZES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_sign_has_one_of_ascii(file: Path) -> None:
    """A sign without one would become a question mark, which is the sign of what is unknown."""
    text = file.read_text()
    assert ascii_text(text).count("?") == text.count("?")
