"""Keeps the leader locks on the board: from any apiserver, else from etcd's stored copies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from haconsole.errors import HaconsoleError
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.lease import Lease
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.probes.asking import asked
from haconsole.probes.board import Board
from haconsole.probes.etcd_access import etcd_on
from haconsole.probes.kube_access import kube_on
from haconsole.probes.leases import finder, from_api, from_endpoints, from_etcd, without_copies
from haconsole.probes.site import Site
from haconsole.probes.stored_lease import PREFIX
from haconsole.transport.kube_api import KubeApi
from haconsole.transport.kube_objects import LeaseObject

T = TypeVar("T")

NAMESPACE = "kube-system"
_NEXT_AFTER_S = 0.7
_EXPECTED = {"kube-controller-manager", "kube-scheduler"}


class LeaseProbe:
    """Asks one control plane after the other, for the leases belong to the cluster and to no single host."""

    def __init__(self, site: Site, board: Board) -> None:
        self._site, self._board = site, board
        self._planes = site.inventory.with_role(Role.CONTROL_PLANE)
        self._members = site.inventory.with_role(Role.ETCD)
        self._holder_host = finder(site.inventory.hosts)

    @property
    def due(self) -> bool:
        """Whether the inventory has anybody who would hold a lease."""
        return self._site.layout.kubernetes is not None and bool(self._planes)

    async def once(self) -> None:
        """The first apiserver to answer tells; without any, the first etcd member."""
        fact = await self._first_of(self._planes, self._from_api)
        if isinstance(fact, Failed) and fact.cause is not Cause.NOT_CONFIGURED:
            stored = await self._first_of(self._members, self._from_etcd)
            fact = stored if isinstance(stored, Known) else fact
        self._board.put_leases(fact)

    def give_up(self, seconds: float) -> None:
        """What was not heard of by now is not waited for."""
        self._board.put_leases(Failed(f"leases: no answer within {seconds:g} s", self._site.now(), Cause.TIMED_OUT))

    async def follow(self) -> None:
        """Watch through one apiserver until it is lost, then through the next; between two rounds look at etcd."""
        while True:
            for host in self._planes:
                try:
                    await self._watch(host)
                except HaconsoleError:
                    continue
            await self.once()
            await asyncio.sleep(self._site.pace.round_s)

    async def _watch(self, host: Host) -> None:
        async with kube_on(self._site, host) as api:
            older = await self._older(api)
            watching = api.watch_leases(NAMESPACE, deadline_s=self._site.pace.fact_s)
            async with aclosing(watching) as changes:  # type: ignore[type-var]
                async for objects in changes:
                    self._board.put_leases(self._site.known(self._locks(objects, older)))

    async def _from_api(self, host: Host) -> tuple[Lease, ...]:
        async with kube_on(self._site, host) as api:
            objects = await api.leases(NAMESPACE, deadline_s=self._site.pace.fact_s)
            names = {each.metadata.name for each in objects}
            return self._locks(objects, () if names >= _EXPECTED else await self._older(api))

    def _locks(self, objects: tuple[LeaseObject, ...], older: tuple[Lease, ...]) -> tuple[Lease, ...]:
        return without_copies(from_api(objects, self._holder_host), older)

    async def _older(self, api: KubeApi) -> tuple[Lease, ...]:
        """Locks of the kind before leases, as annotations of Endpoints."""
        objects = await api.endpoints(NAMESPACE, deadline_s=self._site.pace.fact_s)
        return from_endpoints(objects, self._holder_host)

    async def _from_etcd(self, host: Host) -> tuple[Lease, ...]:
        """This member's own copy, which it gives without a quorum too."""
        async with etcd_on(self._site, host) as api:
            prefix = PREFIX + f"{NAMESPACE}/".encode()
            return from_etcd(await api.get_prefix(prefix, serializable=True), self._holder_host)

    async def _first_of(self, hosts: tuple[Host, ...], look: Callable[[Host], Coroutine[Any, Any, T]]) -> Observed[T]:
        """Ask the hosts, the next whenever one fails or takes long; the first answer counts, else the last failure."""
        waiting = list(hosts)
        failed: Observed[T] = Failed("no host of the inventory could tell", self._site.now(), Cause.NOT_CONFIGURED)
        tasks: set[asyncio.Task[Observed[T]]] = set()
        try:
            while waiting or tasks:
                if waiting:
                    host = waiting.pop(0)
                    question = asked(self._site, host, "leases", look(host), self._site.pace.fact_s)
                    tasks.add(asyncio.create_task(question))
                patience = _NEXT_AFTER_S if waiting else None
                done, tasks = await asyncio.wait(tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    failed = task.result()
                    if isinstance(failed, Known):
                        return failed
            return failed
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
