"""Starts the command line: the entry point of `haconsole` and of `python -m haconsole`."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import warnings
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_INTERRUPTED = 128 + signal.SIGINT
_AGAIN_S = 0.01


def main() -> None:
    """Run the command line with the process's own arguments.

    SIGINT, SIGTERM and SIGHUP end it cleanly, also while it loads, with 128 and the signal's number.
    """
    received: list[int] = []
    try:
        _end_as_by_interrupt(received)
        repeat_lost_interrupts()
        # cryptography warns at each load of a CA whose serial number is 0, as older versions of kubeadm make them
        warnings.filterwarnings("ignore", "Parsed a serial number")
        from haconsole.cli.main import run_process

        status = run_process(sys.argv[1:])
    except KeyboardInterrupt:
        status = _INTERRUPTED
    if status == _INTERRUPTED:
        _leave(128 + received[0] if received else status)
    sys.exit(status)


def _leave(status: int) -> NoReturn:
    """Exit with `status`. Python itself would end by SIGINT if the interrupt passed an `exec`, as dataclasses use."""
    atexit._run_exitfuncs()
    for output in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            output.flush()
    os._exit(status)


def _end_as_by_interrupt(received: list[int]) -> None:
    """SIGTERM and SIGHUP are handled like SIGINT: asyncio then cancels its main task."""

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


def repeat_lost_interrupts() -> None:
    """Send an interrupt again that Python ignored, as it does in a callback of its own or in a finalizer."""
    usual = sys.unraisablehook

    def report(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            threading.Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            usual(unraisable)

    sys.unraisablehook = report


if __name__ == "__main__":
    main()
