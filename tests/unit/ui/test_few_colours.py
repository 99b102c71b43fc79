"""Terminals of sixteen colours, of none and of only ASCII: states differ in the bytes that are really sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import combinations
from pathlib import Path

import pytest
from textual.color import Color
from textual.pilot import Pilot

import haconsole
from haconsole.present.ascii import ascii_text
from haconsole.session import Session
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.launch import has_sixteen_colours, theme_name
from haconsole.ui.theming import find_theme, theme_files, theme_folders
from tests.fakes.cluster import INVENTORY
from tests.fakes.session import FakeSession, degraded
from tests.fakes.terminal import Look, escaped_lines, looks, pieces_of
from tests.unit.ui.driver import settled
from tests.unit.ui.test_app import Hand, running
from tests.unit.ui.test_theming import contrast

NAMES = sorted(theme_files(theme_folders()))
STATES = ("● UP", "▲ late", "✖ expired", "? no answer")
LOST = "10.99.0.13"
"""An address of the host that is lost, shown as remembered."""
VGA = (
    "#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa",
    "#555555", "#ff5555", "#55ff55", "#ffff55", "#5555ff", "#ff55ff", "#55ffff", "#ffffff",
)  # fmt: skip


def app_on(theme: str, *, sixteen: bool = False, ascii_only: bool = False) -> ConsoleApp:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield FakeSession(degraded())

    painted = find_theme(theme, theme_folders(), sixteen=sixteen)
    return ConsoleApp(Setting(INVENTORY, painted, theme, opened, clock=Hand(), sixteen=sixteen, ascii_only=ascii_only))


def colour_of(code: str, default: str) -> str:
    """The colour a VGA console has for an SGR code."""
    if not code:
        return default
    number = int(code) % 10
    return VGA[number + 8 if int(code) >= 90 else number]


@pytest.mark.parametrize("theme", [name for name in NAMES if name != "monochrome"])
async def test_sixteen_colours_distinguish_states_and_can_be_read(theme: str) -> None:
    app = app_on(theme, sixteen=True)
    async with running(app, (160, 45)):
        lines = escaped_lines(app)
        assert not any("38;" in line or "48;" in line for line in lines)
        pieces = pieces_of(lines)
        for one, other in combinations(looks(pieces, *STATES), 2):
            assert one.ink != other.ink
        poor = {
            (piece.text.strip(), piece.look)
            for piece in pieces
            if piece.text.strip() and _vga_contrast(piece.look) < 2.9
        }
        assert poor == set()


def _vga_contrast(look: Look) -> float:
    ink, ground = colour_of(look.ink, VGA[7]), colour_of(look.ground, VGA[0])
    return contrast(ink, ground)


@pytest.mark.parametrize("theme", NAMES)
async def test_without_any_colour_states_are_distinguished_by_style(
    theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = app_on(theme_name(None, theme, {"NO_COLOR": "1"}))
    async with running(app, (160, 45)):
        pieces = pieces_of(escaped_lines(app, "truecolor"))
        assert {(piece.look.ink, piece.look.ground) for piece in pieces} == {("", "")}
        styles = [look.styles for look in looks(pieces, *STATES, LOST)]
        assert len(set(styles)) == len(styles)


async def test_colours_are_sent_where_there_are_some() -> None:
    app = app_on("dark")
    async with running(app):
        assert any("38;2;" in line for line in escaped_lines(app, "truecolor"))


async def test_a_theme_changed_by_key_stays_within_sixteen_colours() -> None:
    app = app_on("dark", sixteen=True)
    async with running(app) as pilot:
        await pilot.press("T")
        await settled(pilot)
        assert app.theme == "high-contrast"
        assert not any("38;" in line or "48;" in line for line in escaped_lines(app, "truecolor"))


@pytest.mark.parametrize(
    ("environment", "sixteen"),
    [
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm"}, True),
        ({"TERM": "screen"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "tmux-256color"}, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
    ],
)
def test_a_terminal_is_known_by_its_name(environment: dict[str, str], sixteen: bool) -> None:
    assert has_sixteen_colours(environment) is sixteen


SCREENS = {
    "dashboard": "",
    "findings": "f enter",
    "host": "5 enter",
    "help": "question_mark",
    "journals": "L",
    "filter": "slash c",
    "palette": "colon",
    "form": "a enter",
    "runs": "h",
}


@pytest.mark.parametrize("keys", SCREENS.values(), ids=SCREENS)
async def test_ascii_terminals_are_sent_ascii(keys: str) -> None:
    app = app_on("dark", ascii_only=True)
    async with running(app) as pilot:
        await led(pilot, keys)
        assert [line for line in escaped_lines(app) if not line.isascii()] == []


async def led(pilot: Pilot[None], keys: str) -> None:
    for key in keys.split():
        await pilot.press(key)
        await settled(pilot)


async def test_arrows_are_words_among_the_keys_of_an_ascii_terminal() -> None:
    """The ASCII sign of an arrow down is a v, and v is a key too."""
    app = app_on("dark", ascii_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await settled(pilot)
        last = escaped_lines(app)[-1]
    assert "down j" in last
    assert " v " not in last


def test_a_sign_has_an_ascii_one_of_its_own() -> None:
    signs = [ascii_text(sign) for sign in "●▲✖?–★◆■"]
    assert len(set(signs)) == len(signs)


PACKAGE = Path(haconsole.__file__).parent
SOURCES = sorted(path for part in ("present", "ui") for path in (PACKAGE / part).rglob("*.py"))


def test_every_sign_the_console_draws_has_an_ascii_one() -> None:
    drawings = {sign for path in SOURCES if path.name != "ascii.py" for sign in path.read_text() if not sign.isascii()}
    assert "‖" in drawings
    assert {sign for sign in drawings if ascii_text(sign) == "?"} == set()


def test_every_native_colour_can_be_painted() -> None:
    for name in NAMES:
        theme = find_theme(name, theme_folders(), sixteen=True)
        assert theme.ansi
        assert Color.parse(theme.background or "").ansi is not None
