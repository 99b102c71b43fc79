"""One answer for all simultaneous callers with the same query."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass
class _Flight(Generic[V]):
    task: asyncio.Task[V]
    waiting: int = 0


class SingleFlight(Generic[K, V]):
    """Remembers nothing: a caller after the answer queries again. Cancels the query when no caller waits any more."""

    def __init__(self) -> None:
        self._asking: dict[K, _Flight[V]] = {}

    async def get(self, key: K, ask: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The answer to `ask`, or to the one that is under way for `key`."""
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = _Flight(asyncio.create_task(ask()))
        asking.waiting += 1
        try:
            return await asyncio.shield(asking.task)
        finally:
            asking.waiting -= 1
            if asking.task.done() or not asking.waiting:
                self._asking.pop(key, None)
            if not asking.waiting:
                asking.task.cancel()
                await asyncio.wait((asking.task,))
