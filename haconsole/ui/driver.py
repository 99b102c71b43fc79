"""The terminal driver of the console: it ends also when the terminal is gone."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


class LastingOutput:
    """A terminal's output that accepts text also after the terminal was closed.

    Textual writes from a thread through a bounded queue. An error of the terminal would end that thread, and the
    console would wait at the full queue without end.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write, or drop the text if the terminal is gone."""
        try:
            return self._file.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError:
            return

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()


class ConsoleDriver(LinuxDriver):
    """Textual's driver on an output that outlives its terminal."""

    def __init__(
        self, app: App[object], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert self._file is not None
        self._file = LastingOutput(self._file)  # type: ignore[assignment]
