"""The position in a recording of a few snapshots, which a test sets; its time does not pass."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from haconsole.diagnosis.diagnose import status_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from tests.fakes.cluster import INVENTORY, NOW

APART = timedelta(seconds=20)


@dataclass
class FakePlayer:
    """`snapshots` are the moments, APART from each other."""

    snapshots: tuple[ClusterSnapshot, ...]
    place: int = 0
    speed: float = 1.0
    paused: bool = False

    @property
    def last(self) -> int:
        return len(self.snapshots) - 1

    @property
    def times(self) -> tuple[datetime, ...]:
        return tuple(NOW + APART * place for place in range(len(self.snapshots)))

    def now(self) -> datetime:
        return self.times[self.place]

    def status(self, place: int) -> ClusterStatus:
        snapshot = replace(self.snapshots[place], observed_at=self.times[place])
        return status_of(snapshot, INVENTORY, self.times[place])

    def pause(self) -> None:
        self.paused = True

    def unpause(self) -> None:
        self.paused = False

    def set_speed(self, speed: float) -> None:
        self.speed = speed

    def seek(self, place: int) -> None:
        self.place = place

    async def moved(self) -> None:
        await asyncio.Event().wait()
