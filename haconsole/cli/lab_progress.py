"""Progress of a lab on standard error: one live line on a terminal, plain lines otherwise."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from typing import TextIO

from haconsole.lab.progress import Progress

_BAR_WIDTH = 24
_REDRAW_S = 0.5


def progress_on(stream: TextIO) -> Progress:
    """The display that suits `stream`."""
    return LiveLine(stream) if stream.isatty() else PlainLines(stream)


def line(title: str, elapsed_s: float, fraction: float | None, width: int) -> str:
    """One line, at most `width` wide, e.g. ``[######------]  50 %  building Kubernetes  1:02``."""
    clock = f"{int(elapsed_s) // 60}:{int(elapsed_s) % 60:02d}"
    if fraction is None:
        return f"{title} … {clock}"[:width]
    full = round(fraction * _BAR_WIDTH)
    return f"[{'#' * full}{'-' * (_BAR_WIDTH - full)}] {fraction * 100:3.0f} %  {title}  {clock}"[:width]


class PlainLines:
    """A line for each stage, with the duration of the previous one."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._title: str | None = None
        self._since = clock()

    def stage(self, title: str) -> None:
        self.finish()
        self._title, self._since = title, self._clock()
        self._say(title)

    def advance(self, fraction: float) -> None:
        return

    def finish(self) -> None:
        if self._title is not None:
            self._say(f"{self._title}: {self._clock() - self._since:.1f} s")
        self._title = None

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class LiveLine:
    """One line that is redrawn twice a second while a stage lasts."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._title: str | None = None
        self._since = clock()
        self._fraction: float | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def stage(self, title: str) -> None:
        with self._lock:
            self._finish_line()
            self._title, self._since, self._fraction = title, self._clock(), None
            self._draw()
            if not any(thread.name == "lab-progress" for thread in threading.enumerate()):
                self._ended.clear()
                threading.Thread(target=self._redraw, name="lab-progress", daemon=True).start()

    def advance(self, fraction: float) -> None:
        with self._lock:
            self._fraction = fraction

    def finish(self) -> None:
        self._ended.set()
        with self._lock:
            self._finish_line()
            self._title = None

    def _redraw(self) -> None:
        while not self._ended.wait(_REDRAW_S):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        if self._title is not None:
            width = shutil.get_terminal_size().columns - 1
            text = line(self._title, self._clock() - self._since, self._fraction, width)
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()

    def _finish_line(self) -> None:
        if self._title is not None:
            self._stream.write(f"\r\x1b[K{self._title}: {self._clock() - self._since:.1f} s\n")
            self._stream.flush()
