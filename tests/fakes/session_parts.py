"""The parts of a session without hosts: what is observed, planned and logged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from haconsole.actions.forecast import Forecasts
from haconsole.actions.step import Plan, Refusal
from haconsole.diagnosis.diagnose import status_of
from haconsole.errors import UsageError
from haconsole.execution.log.run_record import RunRecord, UnreadableRun
from haconsole.inventory.schema import Inventory
from haconsole.model.journal import JournalLine
from haconsole.model.names import HostName
from haconsole.model.past import HostPast
from haconsole.model.series import Measurements
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from haconsole.session.host_texts import HostText
from tests.fakes.cluster import INVENTORY, NOW, healthy


@dataclass
class FakeObserver:
    """Yields `first`, then the snapshots of `snapshot_queue`: an error there is raised, None ends the stream.

    `journals`, `parts` and `moments` are the logs that were read; `paces` and `refreshed` the requests for readings.
    """

    first: ClusterSnapshot | None = None
    pasts: tuple[HostPast, ...] = ()
    looked_at: ClusterSnapshot | None = None
    inventory: Inventory = INVENTORY
    now: datetime = NOW
    snapshot_queue: asyncio.Queue[ClusterSnapshot | Exception | None] = field(default_factory=asyncio.Queue)
    logged: tuple[JournalLine, ...] = ()
    logging: asyncio.Queue[JournalLine | None] = field(default_factory=asyncio.Queue)
    journals: tuple[tuple[HostName, ...], ...] = ()
    parts: tuple[str, ...] = ()
    moments: tuple[tuple[tuple[HostName, ...], datetime], ...] = ()
    host_texts: tuple[HostText, ...] = ()
    watchers: int = 0
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    refreshed: int = 0
    paces: tuple[bool, ...] = ()

    async def status(self) -> ClusterStatus:
        return self.status_of(self.looked_at or self.first or healthy())

    async def measure(self) -> tuple[ClusterStatus, Measurements]:
        measurements, status = Measurements(), await self.status()
        measurements.add(status.snapshot)
        return status, measurements

    async def examine(self) -> AsyncGenerator[ClusterStatus, None]:
        yield await self.status()

    async def watch(self) -> AsyncIterator[ClusterStatus]:
        self.watchers += 1
        self.watched.set()
        if self.first is not None:
            yield self.status_of(self.first)
        while (item := await self.snapshot_queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield self.status_of(item)

    def quicken(self, *, faster: bool) -> None:
        """Note the pace of readings for figures."""
        self.paces += (faster,)

    def refresh(self) -> None:
        """Count that facts are to be read again."""
        self.refreshed += 1

    def status_of(self, snapshot: ClusterSnapshot) -> ClusterStatus:
        return status_of(snapshot, self.inventory, self.now)

    async def journal(
        self, hosts: tuple[HostName, ...], *, last: int = 200, part: str = ""
    ) -> AsyncIterator[JournalLine]:
        self.journals += (hosts,)
        self.parts += (part,)
        for line in self.logged:
            if line.host in hosts and part in ("", line.source):
                yield line
        while (message := await self.logging.get()) is not None:
            yield message

    async def texts(self, host: HostName, *, journal: bool = False) -> tuple[HostText, ...]:
        return self.host_texts

    async def journal_around(
        self, hosts: tuple[HostName, ...], at: datetime, offsets_ms: Mapping[HostName, float], part: str = ""
    ) -> tuple[JournalLine, ...]:
        self.parts += (part,)
        self.moments += ((hosts, at),)
        return tuple(line for line in self.logged if line.host in hosts)

    async def past_events(self, seconds: int, offsets_ms: Mapping[HostName, float]) -> tuple[HostPast, ...]:
        return self.pasts


@dataclass
class FakePlanner:
    """Has a plan or a refusal for each action; `requests` are the plans that were requested."""

    plans: Mapping[str, Plan | Refusal] = field(default_factory=dict)
    forecasts: Forecasts = field(default_factory=dict)
    requests: tuple[tuple[str, dict[str, str]], ...] = ()

    async def plan(self, action: str, request: Mapping[str, str]) -> Plan | Refusal:
        self.requests += ((action, dict(request)),)
        return self.plans[action]

    async def forecast(self, plan: Plan) -> Forecasts:
        return self.forecasts


@dataclass
class FakeHistory(FakePlanner):
    """`records` are the runs there are, and the undo of each is the plan ``undo``."""

    records: tuple[RunRecord | UnreadableRun, ...] = ()

    async def runs(self) -> tuple[RunRecord | UnreadableRun, ...]:
        return self.records

    async def record(self, run: str) -> RunRecord:
        results = [one for one in self.records if isinstance(one, RunRecord) and one.header.run == run]
        if not results:
            raise UsageError(f"there is no run {run!r}")
        return results[0]

    def running(self) -> int:
        return 0

    async def plan_undo(self, run: str) -> Plan | Refusal:
        self.requests += (("undo", {"run": run}),)
        return self.plans["undo"]
