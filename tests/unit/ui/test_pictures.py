"""Every screen as a picture, at the smallest and at a wide size, in two themes; time and facts stand still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from haconsole.model.snapshot import ClusterSnapshot
from haconsole.session import Session
from haconsole.ui.app import ConsoleApp, Setting
from haconsole.ui.theming import find_theme, theme_folders
from tests.fakes.cluster import INVENTORY, NOW, healthy
from tests.fakes.plans import PLAN, begun
from tests.fakes.session import FakeSession, aged, critical, degraded

SMALL, WIDE = (80, 24), (160, 45)
SIZES = pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "160x45"])
THEMES = pytest.mark.parametrize("theme", ["dark", "light"])


def console(snapshot: ClusterSnapshot | None, theme: str) -> ConsoleApp:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield FakeSession(snapshot, plans={"bootstrap": PLAN}, events=begun(), more=asyncio.Queue())

    return ConsoleApp(
        Setting(INVENTORY, find_theme(theme, theme_folders()), theme, opened, clock=lambda: NOW + timedelta(seconds=1))
    )


async def settled(pilot: Pilot[None]) -> None:
    for _ in range(3):
        await pilot.pause()


@SIZES
@THEMES
@pytest.mark.parametrize("made", [healthy, degraded, critical], ids=["healthy", "degraded", "critical"])
def test_dashboard(snap_compare: Any, size: tuple[int, int], theme: str, made: Callable[[], ClusterSnapshot]) -> None:
    assert snap_compare(console(made(), theme), terminal_size=size, run_before=settled)


@SIZES
def test_dashboard_before_the_first_answers(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(console(None, "dark"), terminal_size=size, run_before=settled)


def test_dashboard_that_hears_no_more(snap_compare: Any) -> None:
    assert snap_compare(console(aged(healthy(), 75), "dark"), terminal_size=SMALL, run_before=settled)


FLOWS = {
    "findings": "f",
    "host": "5 enter",
    "help": "question_mark",
    "palette": "colon",
    "form": "a b o o t s enter right",
    "plan": "a b o o t s enter enter",
    "run": "a b o o t s enter enter r y",
}


@SIZES
@THEMES
@pytest.mark.parametrize("flow", FLOWS)
def test_screens(snap_compare: Any, size: tuple[int, int], theme: str, flow: str) -> None:
    async def press(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for key in FLOWS[flow].split():
            await pilot.press(key)
            if len(key) > 1:
                await settled(pilot)
        await settled(pilot)

    assert snap_compare(console(critical(), theme), terminal_size=size, run_before=press)
