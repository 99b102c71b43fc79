"""The interval of readings for figures, shorter while somebody looks at them as a graph."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class ReadingPace:
    """Shared by the probes of one collector; made outside the event loop or in it, used in one loop."""

    def __init__(self, usual_s: float = 5.0, fast_s: float = 1.0) -> None:
        self._usual_s = usual_s
        self._fast_s = fast_s
        self._faster = asyncio.Event()

    def quicken(self, *, faster: bool) -> None:
        """Read at the short interval, beginning now, or at the usual one again."""
        if faster:
            self._faster.set()
        else:
            self._faster.clear()

    @property
    def is_fast(self) -> bool:
        return self._faster.is_set()

    async def pause(self) -> None:
        """Wait for the next reading."""
        if self._faster.is_set():
            await asyncio.sleep(self._fast_s)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._usual_s):
                await self._faster.wait()
