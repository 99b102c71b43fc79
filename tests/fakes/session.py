"""A session without hosts: fixed snapshots, and a stream that a test feeds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from haconsole.actions.forecast import Forecasts
from haconsole.actions.guardrails import GuardrailStop, guardrail_stops
from haconsole.actions.step import Plan, Refusal
from haconsole.diagnosis.diagnose import status_of
from haconsole.errors import RefusedError, UsageError
from haconsole.execution.events import Event
from haconsole.execution.log.run_record import RunRecord, UnreadableRun
from haconsole.inventory.schema import Inventory
from haconsole.model.command import HostCommand
from haconsole.model.haproxy import HaproxyServer
from haconsole.model.hosts import HostFacts
from haconsole.model.journal import JournalLine
from haconsole.model.names import HostName, StepId
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.model.past import HostPast
from haconsole.model.series import Measurements
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from haconsole.session import Player, Run, RunState
from haconsole.session.host_texts import HostText
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy, lease, unreachable

T = TypeVar("T")


@dataclass
class FakeRun:
    """A run that reports the session's `events`, and notes its controls in the session's `stops`."""

    plan: Plan
    session: FakeSession
    state: RunState = RunState.STARTING

    async def events(self) -> AsyncIterator[Event]:
        self.state = RunState.RUNNING
        for event in self.session.events:
            yield event
        while self.session.more is not None and (event_or_end := await self.session.more.get()) is not None:
            yield event_or_end
        self.state = RunState.ENDED

    def pause(self) -> None:
        self.session.stops += ("pause",)

    def unpause(self) -> None:
        self.session.stops += ("go on",)

    def release(self, step: StepId) -> None:
        self.session.stops += (f"release {step}",)

    def stop(self, *, at_once: bool = False) -> None:
        self.session.stops += ("at once",) if at_once else ("after these",)
        if at_once and self.session.more is not None:
            self.session.more.put_nowait(None)


@dataclass
class FakeSession:
    """Answers from its attributes; `heard` is the queue behind `watch`: snapshots, an error to raise, None to end.

    Tests put every snapshot after `first` into that queue. A run yields `events`, then the items of the queue `more`;
    `records` are the runs there are; with a `refusal` none of them can be resumed.
    `asked` are the plans that were requested, `stops` the calls of the run's controls.
    """

    first: ClusterSnapshot | None = None
    pasts: tuple[HostPast, ...] = ()
    looked_at: ClusterSnapshot | None = None
    inventory: Inventory = INVENTORY
    read_only: bool = False
    now: datetime = NOW
    plans: Mapping[str, Plan | Refusal] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    more: asyncio.Queue[Event | None] | None = None
    requests: tuple[tuple[str, dict[str, str]], ...] = ()
    snapshot_queue: asyncio.Queue[ClusterSnapshot | Exception | None] = field(default_factory=asyncio.Queue)
    logged: tuple[JournalLine, ...] = ()
    logging: asyncio.Queue[JournalLine | None] = field(default_factory=asyncio.Queue)
    journals: tuple[tuple[HostName, ...], ...] = ()
    parts: tuple[str, ...] = ()
    records: tuple[RunRecord | UnreadableRun, ...] = ()
    refusal: str = ""
    commands: tuple[HostCommand, ...] = ()
    player: Player | None = None
    host_texts: tuple[HostText, ...] = ()
    forecasts: Forecasts = field(default_factory=dict)
    closed: bool = False
    watchers: int = 0
    stops: tuple[str, ...] = ()
    refreshed: int = 0
    paces: tuple[bool, ...] = ()
    moments: tuple[tuple[tuple[HostName, ...], datetime], ...] = ()
    watched: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def observer(self) -> FakeSession:
        return self

    @property
    def planner(self) -> FakeSession:
        return self

    @property
    def history(self) -> FakeSession:
        return self

    def check_startable(self) -> None:
        if self.read_only:
            raise RefusedError("this session is read-only")

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

    async def plan(self, action: str, request: Mapping[str, str]) -> Plan | Refusal:
        self.requests += ((action, dict(request)),)
        return self.plans[action]

    async def forecast(self, plan: Plan) -> Forecasts:
        return self.forecasts

    async def runs(self) -> tuple[RunRecord | UnreadableRun, ...]:
        return self.records

    async def record(self, run: str) -> RunRecord:
        results = [one for one in self.records if isinstance(one, RunRecord) and one.header.run == run]
        if not results:
            raise UsageError(f"there is no run {run!r}")
        return results[0]

    async def check_resumable(self, run: str) -> RunRecord:
        if self.refusal:
            raise RefusedError(self.refusal)
        return await self.record(run)

    async def resume(self, run: str, *, step_by_step: bool = False, override: str = "") -> Run:
        self.stops += (f"resume {run}",)
        return self.start((await self.check_resumable(run)).plan, step_by_step=step_by_step, override=override)

    async def plan_undo(self, run: str) -> Plan | Refusal:
        self.requests += (("undo", {"run": run}),)
        return self.plans["undo"]

    def running(self) -> int:
        return 0

    def guardrail_stops(self, plan: Plan) -> tuple[GuardrailStop, ...]:
        return guardrail_stops(self.inventory, plan.action, self.now, 0)

    def start(self, plan: Plan, *, step_by_step: bool = False, override: str = "") -> Run:
        if override:
            self.stops += (f"override: {override}",)
        if step_by_step:
            self.stops += ("step by step",)
        return FakeRun(plan, self)

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

    async def close(self) -> None:
        self.closed = True


def degraded() -> ClusterSnapshot:
    """cp3 is lost: its member, its server and the lock it held with it; everything else works."""
    snapshot = changed(healthy(), 3, unreachable)
    for n in (1, 2):
        snapshot = changed(snapshot, n, lambda facts: _seeing(facts, cluster.server(3, "DOWN", "L4TOUT")))
    leases = (lease("kube-controller-manager", 1, age_s=9), lease("kube-scheduler", 3, age_s=41))
    return replace(snapshot, leases=Known(leases, NOW))


def critical() -> ClusterSnapshot:
    """Every host answers, and still: the VIP unowned, a member and an apiserver down, a lock nobody renews."""
    snapshot = changed(healthy(), 2, etcd_silent)
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, _keepalived_stopped)
        snapshot = changed(snapshot, n, lambda facts: _seeing(facts, cluster.server(2, "DOWN", "L7STS")))
    leases = (lease("kube-controller-manager", 3), lease("kube-scheduler", 2, age_s=72))
    return replace(snapshot, leases=Known(leases, NOW))


def _seeing(facts: HostFacts, server: HaproxyServer) -> HostFacts:
    """haproxy on this host sees the server of that name as given."""
    haproxy = facts.haproxy
    assert isinstance(haproxy, Known)
    (backend,) = haproxy.value.backends
    servers = tuple(server if each.name == server.name else each for each in backend.servers)
    value = replace(haproxy.value, backends=(replace(backend, servers=servers),))
    return replace(facts, haproxy=Known(value, haproxy.at))


def _keepalived_stopped(facts: HostFacts) -> HostFacts:
    services, addresses = facts.services, facts.addresses
    assert isinstance(services, Known)
    assert isinstance(addresses, Known)
    units = tuple(replace(unit, active="failed") if unit.name == "keepalived" else unit for unit in services.value)
    return replace(
        facts,
        services=Known(units, services.at),
        addresses=Known(tuple(each for each in addresses.value if each.address != cluster.VIP), addresses.at),
        keepalived=Failed("keepalived is not running", NOW, Cause.NOT_RUNNING),
    )


def aged(snapshot: ClusterSnapshot, seconds: float) -> ClusterSnapshot:
    """The same facts, observed `seconds` earlier."""
    back = timedelta(seconds=seconds)
    hosts = tuple(
        replace(
            facts,
            reach=_aged(facts.reach, back),
            addresses=_aged(facts.addresses, back),
            services=_aged(facts.services, back),
            etcd=_aged(facts.etcd, back),
            haproxy=_aged(facts.haproxy, back),
        )
        for facts in snapshot.hosts
    )
    leases = _aged(snapshot.leases, back)
    return replace(snapshot, hosts=hosts, leases=leases, observed_at=snapshot.observed_at - back)


def _aged(fact: Observed[T], back: timedelta) -> Observed[T]:
    return Known(fact.value, fact.at - back) if isinstance(fact, Known) else fact
