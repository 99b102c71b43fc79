"""Plays a recording: its position, speed and pause.

playing --pause--> paused --unpause--> playing        seek: any place, in either state
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from haconsole.diagnosis.diagnose import status_of

if TYPE_CHECKING:
    from haconsole.execution.clock import Clock
    from haconsole.model.status import ClusterStatus
    from haconsole.recording.file import Recording

SLOWEST, FASTEST = 0.1, 100.0
STATUSES_KEPT = 1000
"""Statuses in memory: an hour before a position, and its surroundings."""


class RecordingPlayer:
    """Its clock is that of the recording: it stops while paused, and at the end."""

    def __init__(self, recording: Recording, speed: float, clock: Clock) -> None:
        self._recording = recording
        self._clock = clock
        self._moved = asyncio.Event()
        self._from_s: float | None = None
        """The clock's seconds when the recording was at `_at`; None while it stops."""
        self._at = recording.moments[0].at
        self._status = lru_cache(STATUSES_KEPT)(self._read_status)
        self.speed = speed
        self.paused = False
        self.place = 0
        """The moment that is shown, counted from 0."""

    @property
    def times(self) -> tuple[datetime, ...]:
        """The time of each moment."""
        return tuple(moment.at for moment in self._recording.moments)

    @property
    def last(self) -> int:
        return len(self._recording.moments) - 1

    def now(self) -> datetime:
        """The time in the recording."""
        if self._from_s is None:
            return self._at
        passed = timedelta(seconds=(self._clock.monotonic() - self._from_s) * self.speed)
        return min(self._at + passed, self._recording.moments[-1].at)

    def status(self, place: int) -> ClusterStatus:
        """The cluster at that place, with the findings of that time. Raises RecordingError naming the line."""
        return self._status(place)

    def _read_status(self, place: int) -> ClusterStatus:
        moment = self._recording.moments[place]
        snapshot = self._recording.snapshot(moment, place + 1, timedelta())
        return status_of(snapshot, self._recording.inventory, moment.at)

    def pause(self) -> None:
        """Stop at the current time."""
        self.paused = True
        self._set(self.now())

    def unpause(self) -> None:
        """Play on; at the end nothing happens."""
        self.paused = False
        self._set(self._at)

    def set_speed(self, speed: float) -> None:
        """Play that many times as fast as it was recorded, within SLOWEST and FASTEST."""
        at = self.now()
        self.speed = min(max(speed, SLOWEST), FASTEST)
        self._set(at)

    def seek(self, place: int) -> None:
        """Be at that place, which counts as shown; those after it follow unless it is paused."""
        self.place = max(0, min(place, self.last))
        self._set(self._recording.moments[self.place].at)

    async def next_place(self) -> int | None:
        """The next place once it is due; None at the end."""
        self._start()
        while self.place < self.last:
            self._moved.clear()
            if await self._is_due(self.place + 1):
                self.place += 1
                return self.place
        return None

    async def moved(self) -> None:
        """Return when somebody moved the position."""
        self._moved.clear()
        await self._moved.wait()

    async def _is_due(self, place: int) -> bool:
        """Whether the time of that place came before somebody changed the position, the speed or the pause."""
        if self.paused:
            await self._moved.wait()
            return False
        left_s = (self._recording.moments[place].at - self.now()).total_seconds() / self.speed
        if left_s <= 0:
            return True
        sleep, moved = asyncio.ensure_future(self._clock.sleep(left_s)), asyncio.ensure_future(self._moved.wait())
        try:
            await asyncio.wait((sleep, moved), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sleep, moved):
                task.cancel()
        return not self._moved.is_set()

    def _start(self) -> None:
        if self._from_s is None and not self.paused:
            self._from_s = self._clock.monotonic()

    def _set(self, at: datetime) -> None:
        self._at = at
        self._from_s = None
        if not self.paused:
            self._start()
        self._moved.set()
