"""The README's pictures, taken of the console at work on a real practice cluster. Needs what the lab needs.

    make pictures
    python -m tests.tools.pictures recorded     # only those of the recording, which needs no lab

Makes three bare hosts, installs the cluster on them through the console, stops a service, and writes the screen as
SVG into `docs/pictures`. The hosts are taken down at the end.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from haconsole.cli.console import live_session
from haconsole.cli.demo import SHIPPED
from haconsole.inventory.load import load
from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from haconsole.lab.prepare import prepare
from haconsole.lab.progress import Silent
from haconsole.lab.shape import LabShape
from haconsole.recording.file import read_recording
from haconsole.session import Session
from haconsole.session.replayed import ReplayedSession
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.controllers.prompts import Prompter
from haconsole.ui.messages import ControlReplay
from haconsole.ui.theming import find_theme, theme_folders

OUT = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SIZE = (140, 38)
FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def text_of(app: ConsoleApp) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


class Camera:
    """Presses keys, waits for a text on the screen, and saves the screen."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[None]) -> None:
        self._app = app
        self._pilot = pilot

    async def until(self, pattern: str, within_s: float = 60) -> None:
        await self.when(lambda: re.search(pattern, text_of(self._app)) is not None, pattern, within_s)

    async def when(self, holds: Callable[[], bool], what: str, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    await self._pilot.pause(0.1)
        except TimeoutError:
            raise SystemExit(f"{what!r} did not show:\n{text_of(self._app)}") from None

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def take(self, name: str) -> None:
        """Write the screen as a picture that loads no font from another server."""
        self._app.clear_notifications()
        await self._pilot.pause(0.5)
        picture = FONTS.sub("", self._app.export_screenshot(title=f"haconsole: {name}", simplify=True))
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / f"{name}.svg").write_text(picture.replace("Fira Code", "monospace"), encoding="utf-8")
        print(f"{OUT / name}.svg")


async def install(camera: Camera, app: ConsoleApp) -> None:
    """From bare hosts to a healthy cluster; the plan, a step taught and the run are pictured on the way."""
    await camera.until("3/3 reached")
    await camera.press("a", *"boots", "enter", "enter")
    await camera.until(r"plan: bootstrap\s+\d+ steps")
    await camera.take("plan")
    await camera.press("t", "r")
    await camera.until("run bootstrap")
    await camera.press("y")
    await camera.until("This step waits for you")
    await camera.take("teach-me")
    await camera.press("p")
    await camera.when(lambda: half_way(app), "half of the steps", 600)
    await camera.take("run")
    await camera.until("● done after", 600)
    await camera.press("escape", "escape")
    await camera.until("● HEALTHY", 120)
    await camera.take("dashboard")


def half_way(app: ConsoleApp) -> bool:
    view = app.run_view
    return view is not None and (view.over or len(view.ended) > len(view.plan.steps) // 2)


async def hint(camera: Camera, lab: Lab) -> None:
    """A stopped etcd, and the host that it stopped on."""
    lab.exec("cp2", "systemctl", "stop", "etcd")
    await camera.until("etcd member cp2 does not answer")
    await camera.press("f")
    await camera.until("Fix")
    await camera.take("findings")
    await camera.press("escape", "5", "j", "enter")
    await camera.until(r"journal of cp2\s+[1-9]\d* lines")
    await camera.take("host")
    lab.exec("cp2", "systemctl", "start", "etcd")
    await camera.press("escape")
    await camera.until("● HEALTHY", 120)


async def recorded() -> None:
    """Graphs and events of the shipped recording, at its last event."""
    recording = read_recording(SHIPPED)
    session = ReplayedSession(recording)
    session.player.pause()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield session

    theme = find_theme("dark", theme_folders())
    setting = Setting(
        recording.inventory, theme, theme.name, opened, read_only=True, recorded=True, clock=session.player.now
    )
    app = ConsoleApp(setting)
    async with app.run_test(size=SIZE) as pilot:
        camera = Camera(app, pilot)
        await camera.when(lambda: app.replay is not None and app.replay.read == len(recording.moments), "marks", 60)
        place = max(mark.place for mark in (app.replay.marks if app.replay else ()))
        app.post_message(ControlReplay("place", place))
        await camera.when(lambda: session.player.place == place, "the last event", 60)
        await camera.press("v")
        await camera.until("VIP 10")
        await camera.take("graphs")
        await camera.press("escape", "e")
        await camera.until("events")
        await camera.take("events")


async def photograph(lab: Lab) -> None:
    inventory, asker = load(lab.inventory_path), Prompter()
    theme = find_theme("dark", theme_folders())
    setting = Setting(
        inventory,
        theme,
        theme.name,
        lambda: live_session(lab.inventory_path, asker, read_only=False),
        asker=asker,
    )
    app = ConsoleApp(setting)
    async with app.run_test(size=SIZE) as pilot:
        camera = Camera(app, pilot)
        await install(camera, app)
        await hint(camera, lab)


def main() -> None:
    asyncio.run(recorded())
    if sys.argv[1:] == ["recorded"]:
        return
    places = Places.of()
    prepare(places, Silent())
    lab = Lab("prod", places=places)
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        try:
            lab.up(LabShape(3, 0, False, True))
            asyncio.run(photograph(lab))
        finally:
            lab.down()


if __name__ == "__main__":
    main()
