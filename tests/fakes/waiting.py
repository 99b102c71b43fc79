"""Waiting for something real to happen, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


async def eventually(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    """Return as soon as `condition` holds; fails after `within_s`."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def number_in(path: Path) -> int | None:
    """The number a file holds; None until it does."""
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return None
