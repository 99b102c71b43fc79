"""A real terminal: tmux with a server of its own, keys sent, the screen read."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from types import TracebackType


class Terminal:
    """`argv` in a pane of `size` columns and rows; its end takes the server and everything in it along."""

    def __init__(
        self, argv: list[str], folder: Path, environment: dict[str, str], size: tuple[int, int] = (80, 24)
    ) -> None:
        self._socket = folder / "tmux"
        self._environment = {**os.environ, **environment, "TERM": "xterm-256color"}
        self._argv = argv
        self._size = size

    def __enter__(self) -> Terminal:
        assert shutil.which("tmux"), "tmux is missing: apt-get install tmux"
        width, height = self._size
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), shlex.join(self._argv))
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server", check=False)

    def screen(self) -> str:
        """The text on the terminal, without colours."""
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Send keys by tmux's names, such as ``Enter``, ``Tab``, ``q``."""
        self._tmux("send-keys", *keys)

    def ended_with(self) -> int | None:
        """The program's exit status, None while it runs."""
        dead, status = self._tmux("display-message", "-p", "#{pane_dead} #{pane_dead_status}").split(" ", 1)
        if dead == "1" and not status.strip():
            self._tmux("run-shell", "true")  # tmux may miss a child's end while its pane closes; the next end wakes it
        return int(status) if dead == "1" and status.strip() else None

    def pid(self) -> int:
        """The program's process."""
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def _tmux(self, *words: str, check: bool = True) -> str:
        result = subprocess.run(
            ["tmux", "-S", str(self._socket), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=10,
            check=check,
        )
        return result.stdout
