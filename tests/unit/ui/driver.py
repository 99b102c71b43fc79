"""Drives the console in tests: waits until a screen has settled, and reads it as text."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.pilot import Pilot

MOST_PAUSES = 50


def screen_text(app: App[Any]) -> str:
    """The screen, line by line, without blanks at the ends of lines."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def settled(pilot: Pilot[None]) -> None:
    """Return once all messages are handled and the screen no longer changes."""
    before = None
    for _ in range(MOST_PAUSES):
        await pilot.pause()
        text = screen_text(pilot.app)
        if text == before:
            return
        before = text
    raise AssertionError(f"the screen still changes after {MOST_PAUSES} pauses:\n{before}")
