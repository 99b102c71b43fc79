"""Keeps the state of one host's etcd or API server in the fact store, queried from its own host, else from another one.

1. The host's own SSH is the way to its etcd and API server. An answer, or a refused connection, settles the fact.
2. Where that way fails (SSH, sudo, credentials) or nothing answers in time, other hosts of the same role query it over
   their SSH and with their own certificate. The fact then names that host, and why its own host could not.
3. A failure in which the component itself was never queried has an empty `asked_from`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from haconsole.inventory.schema import Host
from haconsole.model.hosts import ApiserverFacts, FactName, Role
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED, Cause, Failed, Known, Observed
from haconsole.probes.context import ClusterContext
from haconsole.probes.etcd.access import etcd_on
from haconsole.probes.etcd.endpoint import probe_etcd
from haconsole.probes.fact_store import FactStore
from haconsole.probes.host_pace import pause_after
from haconsole.probes.kubernetes.access import kube_on
from haconsole.probes.kubernetes.apiserver import probe_apiserver
from haconsole.probes.kubernetes.server_log import ServerLog
from haconsole.probes.significance import insignificantly_different
from haconsole.transport.base import TransportError
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.kube_api import KubeApi
from haconsole.transport.service_error import ServiceError

_NEXT_PEER_AFTER_S = 0.4
_SAME_ANSWERS = 5
"""Equal answers after which a component counts as calm."""
_CLOSED_BY_SSHD = ("prohibited", "resource shortage")
"""Messages of sshd that itself refuses a forward: the port behind it was not tried (RFC 4254, section 5.1)."""


class Api(Protocol):
    """A client of one component."""

    refusal: Callable[[], str | None]


A = TypeVar("A", bound=Api)
T = TypeVar("T")

Way = Callable[[ClusterContext, Host, Host], AbstractAsyncContextManager[A]]
"""The way to the component on the first host, from the second one."""


class ApiProbe(Generic[A, T]):
    """Queries one API of one host: `peers` do where its own host cannot."""

    def __init__(
        self,
        context: ClusterContext,
        store: FactStore,
        host: Host,
        fact: FactName,
        way: Way[A],
        ask: Callable[[A], Awaitable[T]],
        peers: tuple[Host, ...] = (),
    ) -> None:
        self._context, self._store, self._host, self._fact = context, store, host, fact
        self._way, self._ask, self._peers = way, ask, peers
        self._direct: Observed[T] = NOT_ASKED
        self._last: Observed[T] = NOT_ASKED
        self._same = 0
        self._asked_at = 0.0
        """The start of the last direct query, by the event loop's clock."""
        self._unsettled = asyncio.Event()

    async def once(self) -> None:
        """Query directly; from peers too where that fails, or takes long."""
        direct = asyncio.create_task(self._look(self._host))
        try:
            await asyncio.wait((direct,), timeout=self._context.timings.peers_after_s)
            if direct.done() and settled(direct.result()):
                self._put(direct.result())
                return
            from_peers = await self._from_peers()
            if not direct.done() and isinstance(from_peers, Known):
                self._put(from_peers)
            self._put(combined(await direct, from_peers))
        finally:
            direct.cancel()
            await asyncio.gather(direct, return_exceptions=True)

    async def follow(self) -> None:
        """Each round; from peers for as long as the direct way does not settle the fact."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_directly())
            group.create_task(self._follow_from_peers())

    async def _follow_directly(self) -> None:
        timings, loop = self._context.timings, asyncio.get_running_loop()
        while True:
            self._asked_at = loop.time()
            self._observe(await self._stay(self._host, self._observe))
            await asyncio.sleep(pause_after(loop.time() - self._asked_at, timings.reopen_s))

    def _observe(self, fact: Observed[T]) -> None:
        self._direct = fact
        if settled(fact):
            self._unsettled.clear()
        else:
            self._unsettled.set()
        if settled(fact) or not self._peers:
            self._put(fact)

    async def _follow_from_peers(self) -> None:
        timings = self._context.timings
        await asyncio.sleep(timings.peers_after_s)
        while self._peers:
            if settled(self._direct):
                await self._unsettled.wait()
            await self._stay_with_peers()
            await asyncio.sleep(timings.round_s)

    async def _stay_with_peers(self) -> None:
        """Put what peers report; the one that answers is queried for a while."""
        from_peers = await self._from_peers()
        self._put_instead(from_peers)
        if not isinstance(from_peers, Known):
            await asyncio.sleep(self._context.timings.reopen_s)
            return
        peer = next(one for one in self._peers if one.name == from_peers.via)
        try:
            async with asyncio.timeout(self._context.timings.peer_stay_s):
                await self._stay(peer, self._put_instead)
        except TimeoutError:
            pass

    def _put_instead(self, from_peers: Observed[T]) -> None:
        if settled(self._direct):
            return
        self._put(from_peers if self._direct is NOT_ASKED else combined(self._direct, from_peers))

    async def _stay(self, via: Host, put: Callable[[Observed[T]], None]) -> Failed[T]:
        """Query each round over one channel; ends with the failure that another channel might fix."""
        asking, loop = False, asyncio.get_running_loop()
        try:
            async with self._way(self._context, self._host, via) as api:
                while True:
                    asking, asked_at = True, loop.time()
                    self._asked_at = asked_at if via == self._host else self._asked_at
                    fact = await self._patient_answer(api, via)
                    if isinstance(fact, Failed) and fact.cause is not Cause.REFUSED:
                        return fact
                    put(fact)
                    await self._pause(pause_after(loop.time() - asked_at, self._pause_s(fact)))
        except Exception as error:
            return self._failed(error, via, asking=asking)

    async def _pause(self, pause_s: float) -> None:
        """Sleep; after one round any change in the cluster ends the pause."""
        round_s = min(pause_s, self._context.timings.round_s)
        await asyncio.sleep(round_s)
        if pause_s > round_s:
            await self._store.changes.until_urgent(pause_s - round_s)

    def _pause_s(self, fact: Observed[T]) -> float:
        """A round; longer once the last answers were the same, since each costs the component a quorum read.

        While a graph is shown it stays short, so that changes appear there when they happen.
        """
        same = isinstance(fact, Known) and insignificantly_different(self._last, fact)
        self._same, self._last = self._same + 1 if same else 0, fact
        calm = self._same >= _SAME_ANSWERS and not self._context.pace.is_fast
        return self._context.timings.calm_round_s if calm else self._context.timings.round_s

    async def _patient_answer(self, api: A, via: Host) -> Observed[T]:
        """One late answer may be chance; two in a row are reported."""
        fact = await self._answer(api, via)
        late = isinstance(fact, Failed) and fact.cause is Cause.TIMED_OUT
        return await self._answer(api, via) if late else fact

    async def _answer(self, api: A, via: Host) -> Observed[T]:
        try:
            async with asyncio.timeout(self._context.timings.fact_s):
                return Known(await self._ask(api), self._context.now(), self._via(via))
        except ServiceError as error:
            return self._failed(error.for_refusal(api.refusal()), via, asking=True)
        except Exception as error:
            return self._failed(error, via, asking=True)

    async def _look(self, via: Host) -> Observed[T]:
        """One answer over a channel of its own."""
        asking = False
        try:
            async with (
                asyncio.timeout(self._context.timings.fact_s),
                self._way(self._context, self._host, via) as api,
            ):
                asking = True
                return await self._patient_answer(api, via)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            error = TransportError(HostName(via.name), Cause.CONNECTION_LOST, "the query was cancelled on the way")
            return self._failed(error, via, asking=asking)
        except Exception as error:
            return self._failed(error, via, asking=asking)

    async def _from_peers(self) -> Observed[T]:
        """The first answer of a peer, else the first failure in which one queried the component, else NOT_ASKED."""
        waiting = list(self._peers)
        asking: set[asyncio.Task[Observed[T]]] = set()
        failures: list[Failed[T]] = []
        try:
            while waiting or asking:
                if waiting:
                    asking.add(asyncio.create_task(self._look(waiting.pop(0))))
                patience = _NEXT_PEER_AFTER_S if waiting else None
                complete, asking = await asyncio.wait(asking, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for fact in (task.result() for task in complete):
                    if isinstance(fact, Known):
                        return fact
                    if isinstance(fact, Failed) and fact.asked_from:
                        failures.append(fact)
                if any(failure.cause is Cause.REFUSED for failure in failures):
                    break
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        refused = (failure for failure in failures if failure.cause is Cause.REFUSED)
        return next(refused, failures[0] if failures else NOT_ASKED)

    def _failed(self, error: Exception, via: Host, *, asking: bool) -> Failed[T]:
        if isinstance(error, TimeoutError):
            failed = self._context.late(self._host, self._fact, self._context.timings.fact_s)
        else:
            failed = self._context.failed(self._host, self._fact, error)
        was_queried = asking and isinstance(error, (ServiceError, TimeoutError)) and not closed_by_sshd(error)
        if asking and not was_queried and failed.cause is Cause.REFUSED:
            failed = replace(failed, cause=Cause.NOT_CONFIGURED)
        return replace(failed, asked_from=(via.name,) if was_queried else ())

    def _via(self, via: Host) -> str:
        return "" if via == self._host else via.name

    def _put(self, fact: Observed[T]) -> None:
        self._store.put(HostName(self._host.name), self._fact, fact)


def is_cancelled() -> bool:
    """Whether the current task itself is being cancelled, and not only something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def settled(fact: Observed[Any]) -> bool:
    """The component's own host knows how it is: it answered, or its port refused the connection."""
    return isinstance(fact, Known) or (
        isinstance(fact, Failed) and bool(fact.asked_from) and fact.cause is Cause.REFUSED
    )


def combined(direct: Observed[T], from_peers: Observed[T]) -> Observed[T]:
    """One fact from what a component's own host reports and what its peers do."""
    if not isinstance(direct, Failed) or settled(direct):
        return direct
    match from_peers:
        case Known():
            return replace(from_peers, direct=direct)
        case Failed() if direct.asked_from and from_peers.cause is not Cause.REFUSED:
            return replace(direct, asked_from=(*direct.asked_from, *from_peers.asked_from))
        case Failed():
            return replace(from_peers, asked_from=(*direct.asked_from, *from_peers.asked_from), direct=direct)
        case _:
            return direct


def closed_by_sshd(error: Exception) -> bool:
    """sshd itself refused the forward, so that the port behind it was not tried."""
    return isinstance(error, ServiceError) and any(word in error.detail for word in _CLOSED_BY_SSHD)


def etcd_probe(context: ClusterContext, store: FactStore, host: Host) -> ApiProbe[EtcdApi, object]:
    """The member's own state, its member list and whether it reads with quorum."""
    ask = partial(probe_etcd, deadline_s=context.timings.etcd_s)
    return ApiProbe(context, store, host, "etcd", etcd_on, ask, _peers(context, host, Role.ETCD))


def apiserver_probe(context: ClusterContext, store: FactStore, host: Host) -> ApiProbe[KubeApi, object]:
    """The API server's readiness with its reason, and the etcd servers that the host's script saw it started with."""

    versions: WeakKeyDictionary[KubeApi, str] = WeakKeyDictionary()
    log = ServerLog(context, host)

    async def ask(api: KubeApi) -> ApiserverFacts:
        """One connection leads to one process, so its version is queried once."""
        facts = await probe_apiserver(api, version=versions.get(api), deadline_s=context.timings.fact_s)
        if facts.version is not None:
            versions[api] = facts.version
        if not facts.ready:
            facts = replace(facts, lines=await log.lines())
        name = HostName(host.name)
        servers, flags = store.etcd_servers.get(name, ()), store.apiserver_flags.get(name, ())
        return replace(facts, etcd_servers=servers, flags=flags)

    return ApiProbe(context, store, host, "apiserver", kube_on, ask, _peers(context, host, Role.CONTROL_PLANE))


def _peers(context: ClusterContext, host: Host, role: Role) -> tuple[Host, ...]:
    return tuple(each for each in context.inventory.with_role(role) if each != host)
