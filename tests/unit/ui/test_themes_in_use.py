"""Which theme a console opens with, and how it takes in a theme's file that was changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from haconsole.inventory.load import load
from haconsole.session import Session
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.launch import launch
from haconsole.ui.theming import ThemeError, find_theme, theme_files, theme_folders
from tests.fakes.cluster import INVENTORY, healthy
from tests.fakes.session import FakeSession, degraded
from tests.fakes.terminal import Look, escaped_lines, pieces_of
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import Hand, running
from tests.unit.ui.test_journal import LINES as SAID
from tests.unit.ui.test_theming import contrast

TEXT = """\
cluster: prod
{theme}ssh: {{user: ops}}
hosts:
  - {{name: cp1, address: 10.0.0.1, roles: [etcd]}}
"""
DARK = theme_files(theme_folders())["dark"].read_text().replace("name: dark", "name: mine")
BAR, OTHER_BAR = "#254a70", "#00457c"
SGR_BAR, SGR_OTHER_BAR = "48;2;37;74;112", "48;2;0;69;124"


@pytest.fixture
def opened_with(monkeypatch: pytest.MonkeyPatch) -> list[ConsoleApp]:
    """The consoles that were opened; none runs."""
    opened: list[ConsoleApp] = []

    async def record(self: ConsoleApp) -> None:
        opened.append(self)

    monkeypatch.setattr(ConsoleApp, "run_async", record)
    return opened


def opens(tmp_path: Path, theme: str, *, option: str | None = None, environment: dict[str, str] | None = None) -> None:
    path = tmp_path / "prod.yaml"
    path.write_text(TEXT.format(theme=theme))
    launch(
        load(path),
        lambda: pytest.fail("no session is opened before the first paint"),
        theme=option,
        read_only=False,
        ascii_only=False,
        environment=environment or {"TERM": "xterm-256color"},
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("in_inventory", "option", "environment", "opened"),
    [
        ("", None, None, "dark"),
        ("theme: production-red\n", None, None, "production-red"),
        ("theme: production-red\n", "light", None, "light"),
        ("theme: production-red\n", None, {"TERM": "xterm-256color", "NO_COLOR": "1"}, "monochrome"),
        ("theme: production-red\n", "light", {"TERM": "xterm-256color", "NO_COLOR": "1"}, "light"),
    ],
)
def test_a_clusters_own_theme_is_what_its_console_opens_with(
    tmp_path: Path,
    opened_with: list[ConsoleApp],
    in_inventory: str,
    option: str | None,
    environment: dict[str, str] | None,
    opened: str,
) -> None:
    opens(tmp_path, in_inventory, option=option, environment=environment)
    assert [app.theme for app in opened_with] == [opened]


def test_a_missing_theme_is_reported_before_anything_is_painted(tmp_path: Path, opened_with: list[ConsoleApp]) -> None:
    with pytest.raises(ThemeError, match=r"there is no theme 'prod-red'; choose one of: .*production-red"):
        opens(tmp_path, "theme: prod-red\n")
    assert opened_with == []


async def test_production_does_not_look_like_staging(tmp_path: Path) -> None:
    grounds = set()
    for name in ("production-red", "dark"):
        app = painted_with(find_theme(name, theme_folders()), name)
        async with running(app):
            grounds.add(pieces_of(escaped_lines(app, "truecolor")[:1])[0].look.ground)
    assert len(grounds) == 2


def painted_with(theme: object, source: str) -> ConsoleApp:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield FakeSession(healthy())

    return ConsoleApp(Setting(INVENTORY, theme, source, opened, clock=Hand()))  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(DARK)
    return path


async def reload(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+t")
    await settled(pilot)


async def test_a_changed_file_is_painted_with_after_a_key(file: Path) -> None:
    app = painted_with(find_theme(str(file), ()), str(file))
    async with running(app) as pilot:
        assert SGR_BAR in escaped_lines(app, "truecolor")[0]
        file.write_text(DARK.replace(BAR, OTHER_BAR))
        await settled(pilot)
        assert SGR_BAR in escaped_lines(app, "truecolor")[0]
        await reload(pilot)
        assert SGR_OTHER_BAR in escaped_lines(app, "truecolor")[0]
        assert SGR_BAR not in escaped_lines(app, "truecolor")[0]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (DARK.replace(f'"{BAR}"', "octarine"), "colours.bar"),
        (DARK.replace("  muted:", "  mutted:"), "mutted"),
        ("colours: [", "not YAML"),
        (None, "No such file"),
    ],
    ids=["colour", "name", "yaml", "gone"],
)
async def test_a_bad_file_is_reported_and_the_old_theme_kept(file: Path, fault: str | None, message: str) -> None:
    app = painted_with(find_theme(str(file), ()), str(file))
    async with app.run_test(size=(160, 45), notifications=True) as pilot:
        await settled(pilot)
        before = escaped_lines(app, "truecolor")
        file.unlink() if fault is None else file.write_text(fault)
        await reload(pilot)
        (note,) = app._notifications
        assert note.title == "✖ theme not changed"
        assert str(file) in note.message
        assert message in note.message
        assert app.theme == "mine"
        assert "theme not changed" in screen_text(app)
        assert message in " ".join(screen_text(app).split())
        app.clear_notifications()
        await settled(pilot)
        assert escaped_lines(app, "truecolor") == before
        file.write_text(DARK.replace(BAR, OTHER_BAR))
        await reload(pilot)
        assert SGR_OTHER_BAR in escaped_lines(app, "truecolor")[0]


READ = (
    "",
    "f",
    "5 j j enter tab slash c p enter",
    "escape escape slash c p",
    "enter escape colon",
    "escape question_mark",
)
"""Keys that lead from one screen to the next."""


@pytest.mark.parametrize("theme", [name for name in theme_files(theme_folders()) if name != "monochrome"])
async def test_everything_painted_can_be_read(theme: str) -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield FakeSession(degraded(), logged=SAID)

    least = 7.0 if theme == "high-contrast" else 4.5
    app = ConsoleApp(Setting(INVENTORY, find_theme(theme, theme_folders()), theme, opened, clock=Hand()))
    async with app.run_test(size=(160, 45), notifications=True) as pilot:
        for keys in READ:
            for key in keys.split():
                await pilot.press(key)
                await settled(pilot)
            app.notify("that", title="an error", severity="error")
            await settled(pilot)
            poor = {
                (piece.text.strip(), ratio)
                for piece in pieces_of(escaped_lines(app, "truecolor"))
                if piece.text.strip() and (ratio := contrast(hexed(piece.look.ink), hexed(piece.look.ground))) < least
            }
            assert poor == set()


@pytest.mark.parametrize("theme", theme_files(theme_folders()))
@pytest.mark.parametrize("typed", ["", "cp"], ids=["empty", "typed"])
async def test_a_field_is_seen_and_so_is_where_typing_goes_on(theme: str, typed: str) -> None:
    app = painted_with(find_theme(theme, theme_folders()), theme)
    async with running(app) as pilot:
        await pilot.press("slash", *typed)
        await settled(pilot)
        lines = escaped_lines(app, "truecolor")
        pieces = pieces_of([lines[app.screen.query_one("#prompt").region.y]])
        at = 1 if typed else 0
        _, *looks, blank, _ = (piece.look for piece in pieces)
        cursor, text = looks[at], looks[1 - at]
        body = pieces_of([lines[2]])[-1].look
        assert "dim" not in text.styles
        assert ground(text) == ground(blank) != ground(body)
        assert ground(cursor) != ground(text)


def ground(look: Look) -> tuple[str, bool]:
    """The background of a text."""
    return look.ground, "reverse" in look.styles


async def test_monochrome_dims_nothing() -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield FakeSession(degraded(), logged=SAID)

    app = ConsoleApp(Setting(INVENTORY, find_theme("monochrome", theme_folders()), "m", opened, clock=Hand()))
    async with running(app, (160, 45)) as pilot:
        for keys in READ:
            await pilot.press(*keys.split())
            await settled(pilot)
            assert [
                piece.text for piece in pieces_of(escaped_lines(app, "truecolor")) if "dim" in piece.look.styles
            ] == []


def hexed(output: str) -> str:
    """A colour as ``38;2;R;G;B``."""
    return "#{:02x}{:02x}{:02x}".format(*(int(part) for part in output.split(";")[2:]))
