"""Runs a long command on this machine and follows its output line by line."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from haconsole.lab.commands import SEARCH_PATH
from haconsole.lab.errors import LabError

_KEPT_LINES = 8


def watch(
    argv: tuple[str, ...],
    line: Callable[[str], None],
    *,
    deadline_s: float,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> None:
    """Run `argv`, give each line of its output to `line`; raises LabError with the last lines when it fails.

    The command, with all that it started, is ended when the deadline passes or the caller is interrupted.
    """
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            env=environment or {**os.environ, "PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"},
            cwd=folder,
        )
    except FileNotFoundError:
        raise LabError(f"`{argv[0]}` is not installed on this machine", hint="run `haconsole lab prepare`") from None
    timer = threading.Timer(deadline_s, _end, (process, signal.SIGKILL))
    timer.start()
    try:
        assert process.stdout is not None
        with process.stdout as output:
            for text in output:
                last.append(text.rstrip())
                line(text.rstrip())
        status = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            _end(process, signal.SIGTERM)
            process.wait(10)
    if status != 0:
        raise LabError(f"`{shlex.join(argv)[:120]}` ended with {status}: {' | '.join(last)}")


def _end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal all processes of the command's session, unless it has ended."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
