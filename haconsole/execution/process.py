"""Which process this is, told so that this machine can say later whether it is still there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_process(pid: int | None = None) -> str:
    """``BOOT:NAMESPACE:PID:STARTED`` of a process (this one), empty where the system does not tell (no procfs)."""
    number = os.getpid() if pid is None else pid
    with suppress(OSError, IndexError):
        started = Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2].split()[19]
        return f"{_here()}:{number}:{started}"
    return ""


def gone(process: str) -> bool:
    """Whether a process that this very machine had is certainly no more; False where that cannot be told."""
    with suppress(OSError, ValueError):
        here, number, _ = process.rsplit(":", 2)
        return here == _here() and this_process(int(number)) != process
    return False


def _here() -> str:
    """This machine since its last start, and what processes can be seen from here."""
    return f"{_BOOT.read_text().strip()}:{Path('/proc/self/ns/pid').readlink()}"
