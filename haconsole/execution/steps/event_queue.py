"""The events of a run while it runs: for any listener, without secrets from hosts' output."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from haconsole.execution.events import Event, StepDone, StepOutput

EVENTS_WAITING = 64


class EventQueue:
    """A queue of events with a small limit: a run waits for a slow listener, and for none that left."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(EVENTS_WAITING)
        self._has_listener = True

    async def next(self) -> Event | None:
        """The next event, None after the last."""
        event = await self._events.get()
        self._room.release()
        return event

    async def put(self, event: Event) -> None:
        if self._has_listener:
            await self._room.acquire()
            self._events.put_nowait(self._harmless(event))

    def end(self) -> None:
        """No more events follow."""
        self._events.put_nowait(None)

    def detach(self, producers: int) -> None:
        """Nobody listens any more: up to that many senders stop waiting for space."""
        self._has_listener = False
        for _ in range(producers):
            self._room.release()

    def _harmless(self, event: Event) -> Event:
        if isinstance(event, StepOutput):
            return replace(event, text=self._redact(event.text))
        if isinstance(event, StepDone) and event.error:
            return replace(event, error=self._redact(event.error))
        return event
