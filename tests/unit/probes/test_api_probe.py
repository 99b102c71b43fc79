"""A component is queried from its own host, else from its peers; the fact reports which, and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from msgspec.structs import replace

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.probes.api_probe import _SAME_ANSWERS, ApiProbe
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.etcd.endpoint import probe_etcd
from haconsole.probes.fact_store import FactStore
from haconsole.transport.base import TransportError
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from tests.fakes.cluster import INVENTORY
from tests.fakes.transport import FakeFleet
from tests.fakes.waiting import eventually

QUICK = ProbeTimings(peers_after_s=0.05, fact_s=0.3, round_s=0.01, reopen_s=0.01, peer_stay_s=0.05)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Component:
    """The etcd on cp2, as each host sees it; `ways` are errors of the way, `answers` those of the component."""

    ways: dict[str, BaseException] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def way(self, site: ClusterContext, host: Host, via: Host) -> AsyncIterator[Seen]:
        assert host.name == "cp2"
        if via.name in self.ways:
            raise self.ways[via.name]
        yield Seen(self, via.name)


@dataclass
class Seen:
    component: Component
    via: str
    refusal: Callable[[], str | None] = lambda: None

    async def ask(self) -> str:
        self.component.requests.append(self.via)
        answer = self.component.answers.get(self.via, "healthy")
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            await asyncio.sleep(60)
        return str(answer)


def error(kind: EtcdErrorKind) -> EtcdError:
    return EtcdError(HostName("cp2"), kind, "status", "made to fail")


def sudo() -> TransportError:
    return TransportError(HostName("cp2"), Cause.SUDO_REFUSED, "a password is required")


def probe(component: Component, timings: ProbeTimings = QUICK) -> tuple[ApiProbe[Any, Any], FactStore]:
    site = ClusterContext(INVENTORY, layout(INVENTORY), FakeFleet(), now, b"", timings)
    store = FactStore(INVENTORY, now)
    host, *_ = (each for each in INVENTORY.hosts if each.name == "cp2")
    peers = tuple(each for each in INVENTORY.hosts if each.name != "cp2")
    return ApiProbe(site, store, host, "etcd", component.way, Seen.ask, peers), store


async def once(component: Component) -> Observed[Any]:
    asking, store = probe(component)
    await asking.once()
    return cast(Observed[Any], store.facts(HostName("cp2")).etcd)


async def test_the_own_hosts_answer_needs_no_peer() -> None:
    component = Component()
    fact = await once(component)
    assert isinstance(fact, Known)
    assert (fact.via, fact.direct) == ("", None)
    assert component.requests == ["cp2"]


async def test_a_refused_connection_is_settled_and_names_who_queried() -> None:
    component = Component(answers={"cp2": error(EtcdErrorKind.REFUSED)})
    fact = await once(component)
    assert isinstance(fact, Failed)
    assert (fact.cause, fact.asked_from) == (Cause.REFUSED, ("cp2",))
    assert component.requests == ["cp2"]


@pytest.mark.parametrize("way", [sudo(), TransportError(HostName("cp2"), Cause.HOST_KEY_CHANGED, "changed")])
async def test_where_the_way_fails_peers_query(way: TransportError) -> None:
    fact = await once(Component(ways={"cp2": way}))
    assert isinstance(fact, Known)
    assert fact.via in ("cp1", "cp3")
    assert fact.direct is not None
    assert (fact.direct.cause, fact.direct.asked_from) == (way.cause, ())


async def test_a_silent_way_is_not_waited_for() -> None:
    fact = await once(Component(answers={"cp2": None}))
    assert isinstance(fact, Known)
    assert fact.direct is not None
    assert fact.direct.cause is Cause.TIMED_OUT


async def test_a_peer_that_is_refused_settles_it() -> None:
    refused = error(EtcdErrorKind.REFUSED)
    fact = await once(Component(ways={"cp2": sudo()}, answers={"cp1": refused, "cp3": refused}))
    assert isinstance(fact, Failed)
    assert fact.cause is Cause.REFUSED
    assert fact.asked_from[0] in ("cp1", "cp3")
    assert fact.direct is not None
    assert fact.direct.cause is Cause.SUDO_REFUSED


async def test_where_nobody_could_query_the_component_was_not_queried() -> None:
    fact = await once(Component(ways={name: sudo() for name in ("cp1", "cp2", "cp3")}))
    assert isinstance(fact, Failed)
    assert (fact.cause, fact.asked_from) == (Cause.SUDO_REFUSED, ())


async def test_a_query_that_ends_as_cancelled_is_a_failure_and_never_pending() -> None:
    """A channel that closes during a call cancels the call, not its caller."""
    fact = await once(Component(ways={name: asyncio.CancelledError() for name in ("cp1", "cp2", "cp3")}))
    assert isinstance(fact, Failed)
    assert fact.cause is Cause.CONNECTION_LOST
    asking, store = probe(Component(answers={"cp2": None}))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asking.once(), 0.02)
    assert not isinstance(store.facts(HostName("cp2")).etcd, Known | Failed)


class LateEtcd:
    """Answers none of the simultaneous queries in time."""

    async def status(self, *, deadline_s: float) -> None:
        await asyncio.sleep(0.1)
        raise error(EtcdErrorKind.DEADLINE)

    members = check_health = status


async def test_two_late_answers_end_as_late_and_not_as_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second answer meets the deadline of the complete query."""
    component = Component(ways={"cp1": sudo(), "cp3": sudo()})

    async def ask(reading: Seen) -> Any:
        component.requests.append(reading.via)
        if len(component.requests) > 1:
            await asyncio.sleep(60)
        await probe_etcd(cast(Any, LateEtcd()))

    monkeypatch.setattr(Seen, "ask", ask)
    fact = await once(component)
    assert component.requests == ["cp2", "cp2"]
    assert isinstance(fact, Failed)
    assert fact.cause is Cause.TIMED_OUT


async def test_a_forward_that_sshd_forbids_is_no_refusal_of_the_component() -> None:
    forbidden = EtcdError(
        HostName("cp2"), EtcdErrorKind.UNAVAILABLE, "status", "administratively prohibited", closed=True
    )
    fact = await once(Component(answers={"cp2": forbidden}, ways={"cp1": sudo(), "cp3": sudo()}))
    assert isinstance(fact, Failed)
    assert (fact.cause, fact.asked_from) == (Cause.NOT_CONFIGURED, ())


async def test_a_followed_component_is_queried_by_peers_until_its_own_host_can_again() -> None:
    component = Component(ways={"cp2": sudo()})
    asking, store = probe(component)
    following = asyncio.create_task(asking.follow())
    try:
        async with asyncio.timeout(5):
            while not _via(store):
                await asyncio.sleep(0.01)
            component.ways.clear()
            while _via(store) or not isinstance(store.facts(HostName("cp2")).etcd, Known):
                await asyncio.sleep(0.01)
        component.answers["cp2"] = error(EtcdErrorKind.REFUSED)
        async with asyncio.timeout(5):
            while not isinstance(store.facts(HostName("cp2")).etcd, Failed):
                await asyncio.sleep(0.01)
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


def _via(store: FactStore) -> str:
    fact = store.facts(HostName("cp2")).etcd
    return fact.via if isinstance(fact, Known) else ""


def test_a_calm_component_is_queried_often_while_a_graph_is_shown() -> None:
    steady, _ = probe(Component())
    answer = Known("the same", now())
    pauses = [steady._pause_s(answer) for _ in range(8)]
    assert (pauses[0], pauses[-1]) == (QUICK.round_s, QUICK.calm_round_s)
    steady._context.pace.quicken(faster=True)
    assert steady._pause_s(answer) == QUICK.round_s
    steady._context.pace.quicken(faster=False)
    assert steady._pause_s(answer) == QUICK.calm_round_s


async def test_a_calm_component_is_queried_at_once_when_something_else_changes() -> None:
    component = Component()
    asking, store = probe(component, replace(QUICK, calm_round_s=60.0))
    following = asyncio.create_task(asking.follow())
    try:
        await eventually(lambda: len(component.requests) > _SAME_ANSWERS)
        await asyncio.sleep(0.1)
        before = len(component.requests)
        store.put(HostName("cp1"), "reach", Known(Reach(1.0), now()))
        await asyncio.sleep(0.1)
        before += 1  # the first report about cp1
        store.put(HostName("cp1"), "reach", Known(Reach(2.0), now()))
        await asyncio.sleep(0.1)
        assert len(component.requests) == before, "a time that varies is no change"
        store.put(HostName("cp1"), "reach", Failed("cp1: no route", now(), Cause.NO_ROUTE))
        await eventually(lambda: len(component.requests) > before)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
