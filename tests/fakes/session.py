"""A session without hosts: fixed snapshots, and a stream that a test feeds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from msgspec.structs import replace

from haconsole.actions.guardrails import GuardrailStop, guardrail_stops
from haconsole.actions.step import Plan
from haconsole.errors import RefusedError
from haconsole.execution.events import Event
from haconsole.execution.log.run_record import RunRecord
from haconsole.model.command import HostCommand
from haconsole.model.haproxy import HaproxyServer
from haconsole.model.hosts import HostFacts
from haconsole.model.names import StepId
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.session import Player, Run, RunState
from tests.fakes import cluster
from tests.fakes.cluster import NOW, changed, etcd_silent, healthy, lease, unreachable
from tests.fakes.session_parts import FakeHistory, FakeObserver

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
class FakeSession(FakeHistory, FakeObserver):
    """All parts of a session in one, which answer from its attributes.

    A run yields `events`, then the items of the queue `more`; with a `refusal` no run can be resumed. `stops` are the
    calls of the run's controls.
    """

    read_only: bool = False
    events: tuple[Event, ...] = ()
    more: asyncio.Queue[Event | None] | None = None
    refusal: str = ""
    commands: tuple[HostCommand, ...] = ()
    player: Player | None = None
    closed: bool = False
    stops: tuple[str, ...] = ()

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

    async def check_resumable(self, run: str) -> RunRecord:
        if self.refusal:
            raise RefusedError(self.refusal)
        return await self.record(run)

    async def resume(self, run: str, *, step_by_step: bool = False, override: str = "") -> Run:
        self.stops += (f"resume {run}",)
        return self.start((await self.check_resumable(run)).plan, step_by_step=step_by_step, override=override)

    def guardrail_stops(self, plan: Plan) -> tuple[GuardrailStop, ...]:
        return guardrail_stops(self.inventory, plan.action, self.now, 0)

    def start(self, plan: Plan, *, step_by_step: bool = False, override: str = "") -> Run:
        if override:
            self.stops += (f"override: {override}",)
        if step_by_step:
            self.stops += ("step by step",)
        return FakeRun(plan, self)

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
