"""A moment by which a call must end, passed to all its parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Deadline:
    """`seconds` from now on the event loop's clock."""

    def __init__(self, seconds: float) -> None:
        self._at = asyncio.get_running_loop().time() + seconds
        self.seconds = seconds

    @property
    def remaining_s(self) -> float:
        """Seconds remaining_s, never negative."""
        return max(0.0, self._at - asyncio.get_running_loop().time())

    def limit(self, at_most: float | None = None) -> asyncio.Timeout:
        """A block that raises TimeoutError at this deadline, or after `at_most` seconds if that is sooner."""
        return asyncio.timeout(self.remaining_s if at_most is None else min(self.remaining_s, at_most))

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Do not count the time spent in the block; for what a person takes to answer."""
        before = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self._at += asyncio.get_running_loop().time() - before
