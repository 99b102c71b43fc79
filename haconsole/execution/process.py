"""The identity of this process, in a form by which this machine can later check whether it still exists."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_process(pid: int | None = None) -> str:
    """``BOOT:NAMESPACE:PID:STARTED`` of a process (this one), empty if the system does not provide it (no procfs)."""
    number = os.getpid() if pid is None else pid
    with suppress(OSError, IndexError):
        started = Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2].split()[19]
        return f"{_here()}:{number}:{started}"
    return ""


def has_ended(process: str) -> bool:
    """Whether a process of this very machine is certainly gone; False if that is unknown."""
    with suppress(OSError, ValueError):
        here, number, _ = process.rsplit(":", 2)
        return here == _here() and this_process(int(number)) != process
    return False


def _here() -> str:
    """This machine since its last boot, and the process namespace visible from here."""
    return f"{_BOOT.read_text().strip()}:{Path('/proc/self/ns/pid').readlink()}"
