"""Shows a run while it happens: redrawn lines on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TextIO

from haconsole.cli.reports.progress import RunProgress, after, ended_line, live_lines, plain_line
from haconsole.execution.events import Event, Outcome, StepDone

RED, GREEN, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"
COLOURS = {Outcome.DONE: GREEN, Outcome.FAILED: RED, Outcome.UNKNOWN: RED}


class Board:
    """One run's display on `out`. `live` redraws in place; `colour` is beside the words, never instead of them."""

    def __init__(self, out: TextIO, *, live: bool, colour: bool, now: Callable[[], datetime]) -> None:
        self._out = out
        self._live = live
        self._colour = colour
        self._now = now
        self._progress = RunProgress()
        self._drawn: tuple[str, ...] = ()

    def show(self, event: Event) -> None:
        """Take one more event in."""
        self._progress = after(self._progress, event)
        if not self._live:
            line = plain_line(self._progress, event)
            if line is not None:
                print(line, file=self._out, flush=True)
            return
        kept = ended_line(self._progress, event) if isinstance(event, StepDone) else None
        self._redraw(self._coloured(kept, event) if kept is not None else None)

    def tick(self) -> None:
        """Let the seconds go on."""
        if self._live:
            self._redraw(None)

    def say(self, line: str) -> None:
        """A line of our own that stays."""
        if self._live:
            self._redraw(line)
        else:
            print(line, file=self._out, flush=True)

    def _redraw(self, kept: str | None) -> None:
        lines = live_lines(self._progress, self._now(), shutil.get_terminal_size().columns)
        if kept is None and lines == self._drawn:
            return
        back = f"\x1b[{len(self._drawn)}F" if self._drawn else ""
        self._drawn = lines
        text = "".join(f"{line}\n" for line in (*((kept,) if kept is not None else ()), *lines))
        self._out.write(f"{back}\x1b[J{text}")
        self._out.flush()

    def _coloured(self, line: str, event: Event) -> str:
        colour = COLOURS.get(event.outcome) if self._colour and isinstance(event, StepDone) else None
        return f"{colour}{line[:7]}{PLAIN}{line[7:]}" if colour else line


def board(
    out: TextIO, now: Callable[[], datetime], environment: Mapping[str, str] = os.environ, *, redraw: bool = True
) -> Board:
    """A board that suits where `out` goes: a terminal is redrawn; NO_COLOR and dumb terminals are respected."""
    live = redraw and out.isatty() and environment.get("TERM", "dumb") != "dumb"
    return Board(out, live=live, colour=live and not environment.get("NO_COLOR"), now=now)
