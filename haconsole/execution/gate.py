"""What a step must pass right before it is recorded and performed."""

from __future__ import annotations

import asyncio
from typing import Protocol

from haconsole.actions.step import Step
from haconsole.errors import HaconsoleError


class StoppedError(HaconsoleError):
    """A gate lets no further step begin; the run ends before this one, with these words."""


class Gate(Protocol):
    """Asked before every step that would be performed, right before its intent is recorded."""

    async def before(self, step: Step) -> None:
        """Return when the step may begin; raise StoppedError to end the run before it."""
        ...


class Pause:
    """Holds every step while it is closed; lets through one at a time, the first that came first, or all."""

    def __init__(self, *, closed: bool = False) -> None:
        self._closed = closed
        self._held: list[asyncio.Future[None]] = []

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True

    def open(self) -> None:
        """Let every step through, those held now and those to come."""
        self._closed = False
        while self.one():
            pass

    def one(self) -> bool:
        """Let one held step through; whether there was one."""
        while self._held:
            waiting = self._held.pop(0)
            if not waiting.done():
                waiting.set_result(None)
                return True
        return False

    async def before(self, step: Step) -> None:
        if self._closed:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._held.append(waiting)
            await waiting
