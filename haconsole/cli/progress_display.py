"""Shows a run while it happens: redrawn lines on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TextIO

from msgspec.structs import replace

from haconsole.actions.step import Plan
from haconsole.cli.reports.progress import STATE_WIDTH, ended_line, live_lines, plain_line
from haconsole.execution.events import Event, Outcome, RunStarted, StepDone
from haconsole.present.ascii import ascii_text, is_ascii
from haconsole.present.running import RunView

RED, GREEN, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"
COLOURS = {Outcome.DONE: GREEN, Outcome.FAILED: RED, Outcome.UNKNOWN: RED}


class ProgressDisplay:
    """A display of one run of `plan` on `out`. `live` redraws in place; `colour` is in addition to words."""

    def __init__(self, out: TextIO, plan: Plan, *, live: bool, colour: bool, now: Callable[[], datetime]) -> None:
        self._out = out
        self._live = live
        self._colour = colour
        self._now = now
        self._view = RunView(plan, now())
        self._drawn_lines: tuple[str, ...] = ()

    def show(self, event: Event) -> None:
        """Process one more event."""
        self._view = self._view.after(event)
        if isinstance(event, RunStarted):
            self._view = replace(self._view, begun_at=event.at)
        if not self._live:
            line = plain_line(self._view, event)
            if line is not None:
                self._print(line)
            return
        line_to_keep = ended_line(self._view, event) if isinstance(event, StepDone) else None
        self._redraw(self._coloured(line_to_keep, event) if line_to_keep is not None else None)

    def tick(self) -> None:
        """Update the seconds."""
        if self._live:
            self._redraw(None)

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._live:
            self._redraw(line)
        else:
            self._print(line)

    def _print(self, line: str) -> None:
        print(self._encodable(line), file=self._out, flush=True)

    def _encodable(self, text: str) -> str:
        return ascii_text(text) if is_ascii(self._out.encoding) else text

    def _redraw(self, line_to_keep: str | None) -> None:
        lines = live_lines(self._view, self._now(), shutil.get_terminal_size().columns)
        if line_to_keep is None and lines == self._drawn_lines:
            return
        back = f"\x1b[{len(self._drawn_lines)}F" if self._drawn_lines else ""
        self._drawn_lines = lines
        text = "".join(f"{line}\n" for line in (*((line_to_keep,) if line_to_keep is not None else ()), *lines))
        self._out.write(f"{back}\x1b[J{self._encodable(text)}")
        self._out.flush()

    def _coloured(self, line: str, event: Event) -> str:
        colour = COLOURS.get(event.outcome) if self._colour and isinstance(event, StepDone) else None
        return f"{colour}{line[:STATE_WIDTH]}{PLAIN}{line[STATE_WIDTH:]}" if colour else line


def progress_display(
    out: TextIO,
    plan: Plan,
    now: Callable[[], datetime],
    environment: Mapping[str, str] = os.environ,
    *,
    redraw: bool = True,
) -> ProgressDisplay:
    """A display that suits `out`: a terminal is redrawn; NO_COLOR and dumb terminals are respected."""
    live = redraw and out.isatty() and environment.get("TERM", "dumb") != "dumb"
    return ProgressDisplay(out, plan, live=live, colour=live and not environment.get("NO_COLOR"), now=now)
