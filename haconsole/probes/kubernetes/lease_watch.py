"""Keeps the leader locks in the fact store: watched through any API server, else from etcd's own copies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from functools import partial
from typing import Any, TypeAlias

from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.lease import Lease
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.probes.any_source import NEXT_AFTER_S, Ask, first_known
from haconsole.probes.context import ClusterContext
from haconsole.probes.etcd.access import etcd_on
from haconsole.probes.fact_store import FactStore
from haconsole.probes.kubernetes.access import kube_on
from haconsole.probes.kubernetes.leases import HolderHost, finder, from_api, from_endpoints, from_etcd, without_copies
from haconsole.probes.kubernetes.stored_lease import PREFIX
from haconsole.probes.observe import observe
from haconsole.transport.kube_api import KubeApi
from haconsole.transport.kube_objects import LeaseObject

Leases = tuple[Lease, ...]
Delayed: TypeAlias = tuple[float, Ask[Leases]]
"""A question, and the seconds to wait for an answer to the ones before it."""

_NAMESPACE = "kube-system"

_USUAL = {"kube-controller-manager", "kube-scheduler"}
_ETCD_AFTER_S = 1.2
_WATCH_SILENCE_S = 20.0


class LeaseProbe:
    """Leases belong to no host: the first one that answers reports them."""

    def __init__(self, context: ClusterContext, store: FactStore) -> None:
        self._context, self._store = context, store
        inventory = context.inventory
        self._servers = inventory.with_role(Role.CONTROL_PLANE) if context.layout.kubernetes else ()
        self._members = inventory.with_role(Role.ETCD)
        self._last_report_at = float("-inf")
        self._why: Failed[Any] | None = None
        if self.expected:
            store.shared.expect_leases()

    @property
    def expected(self) -> bool:
        """Whether the inventory has anybody who would hold a lease."""
        return bool(self._servers)

    async def once(self) -> None:
        """Query API servers, and etcd if none of them answers soon."""
        api = asyncio.create_task(first_known(self._api_questions()))
        try:
            await asyncio.wait((api,), timeout=_ETCD_AFTER_S)
            if not api.done():
                self._store.shared.put_leases(
                    await first_known(((0.0, partial(_result, api)), *self._etcd_questions()))
                )
            else:
                self._store.shared.put_leases(await self._from_etcd_if_api_failed(api.result()))
        finally:
            api.cancel()
            await asyncio.wait((api,))

    async def _from_etcd_if_api_failed(self, from_api: Observed[Leases]) -> Observed[Leases]:
        """etcd's stored copies if the API failed; not if there is no API yet, because there can be no lease either."""
        if not isinstance(from_api, Failed) or from_api.cause is Cause.NOT_CONFIGURED:
            return from_api
        from_etcd = await first_known(self._etcd_questions())
        return from_etcd if isinstance(from_etcd, Known) else from_api

    def give_up(self, seconds: float) -> None:
        """Facts that are still missing now are not awaited."""
        if self.expected:
            self._store.shared.put_leases(self._context.unanswered("leases", seconds))

    async def follow(self) -> None:
        """Watch, and read etcd's copies while no API server reports anything."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_some())
            group.create_task(self._fall_back())

    async def _watch_some(self) -> None:
        """Follow one API server after another; the last one that reported something comes first."""
        servers = list(self._servers)
        while True:
            for host in tuple(servers):
                if await self._watch(host):
                    servers.remove(host)
                    servers.insert(0, host)
                    break
            await asyncio.sleep(self._context.timings.round_s)

    async def _watch(self, host: Host) -> bool:
        """Store the reports of `host` until it ends; True when it reported anything.

        A server that is being stopped waits for its watches to end, so a watch does not outlast its readiness.
        """
        before = self._last_report_at
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(self._follow(host)), group.create_task(self._until_unready(host))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        return self._last_report_at > before

    async def _until_unready(self, host: Host) -> None:
        """Return once the API server on `host` does not answer whether it is ready, or nothing comes from the host.

        While it does, its last report still holds.
        """
        began, heard_before = self._context.now(), self._last_report_at
        while True:
            apiserver = self._store.facts(HostName(host.name)).apiserver
            if self._store.is_silent(HostName(host.name)):
                return
            if isinstance(apiserver, Failed) and apiserver.at > began:
                return
            if isinstance(apiserver, Known) and self._last_report_at > heard_before:
                self._store.shared.confirm_leases(apiserver.at)
            await asyncio.sleep(self._context.timings.round_s)

    async def _follow(self, host: Host) -> None:
        deadline_s = self._context.timings.fact_s
        try:
            async with (
                asyncio.timeout(deadline_s) as limit,
                kube_on(self._context, host) as api,
                aclosing(api.watch_leases(_NAMESPACE, deadline_s=deadline_s, silence_s=_WATCH_SILENCE_S)) as changes,
            ):
                async for objects in changes:
                    limit.reschedule(None)
                    leases = await self._with_older(api, objects)
                    self._last_report_at = self._time()
                    self._store.shared.put_leases(self._context.known(leases))
        except TimeoutError:
            self._put_failure(self._context.late(host, "leases", deadline_s))
        except Exception as error:
            self._put_failure(self._context.failed(host, "leases", error))

    def _put_failure(self, failure: Failed[Any]) -> None:
        """Reported only if no other source has it: the copies in etcd may well do."""
        self._why = failure

    async def _fall_back(self) -> None:
        timings = self._context.timings
        await asyncio.sleep(_ETCD_AFTER_S)
        while True:
            if self._time() - self._last_report_at > timings.api_silence_s:
                silent = self._why or self._context.late(self._servers[0], "leases", timings.api_silence_s)
                self._store.shared.put_leases(await self._from_etcd_if_api_failed(silent))
            await asyncio.sleep(timings.round_s)

    def _api_questions(self) -> tuple[Delayed, ...]:
        return tuple((NEXT_AFTER_S, partial(self._through_api, host)) for host in self._servers)

    def _etcd_questions(self) -> tuple[Delayed, ...]:
        delays = (_ETCD_AFTER_S, *(NEXT_AFTER_S for _ in self._members))
        return tuple(
            (delay, partial(self._from_etcd, host)) for delay, host in zip(delays, self._members, strict=False)
        )

    async def _through_api(self, host: Host) -> Observed[Leases]:
        async def ask() -> Leases:
            async with kube_on(self._context, host) as api:
                return await self._with_older(
                    api, await api.leases(_NAMESPACE, deadline_s=self._context.timings.fact_s)
                )

        return await observe(self._context, host, "leases", ask(), self._context.timings.fact_s)

    async def _from_etcd(self, host: Host) -> Observed[Leases]:
        """From the member's own copy, which it gives without a quorum."""

        async def ask() -> Leases:
            async with etcd_on(self._context, host) as api:
                entries = await api.get_prefix(
                    PREFIX + f"{_NAMESPACE}/".encode(), serializable=True, deadline_s=self._context.timings.fact_s
                )
                return from_etcd(entries, self._holder_host())

        return await observe(self._context, host, "leases", ask(), self._context.timings.fact_s)

    async def _with_older(self, api: KubeApi, objects: Iterable[LeaseObject]) -> Leases:
        """The current leases, and if the usual ones are missing the annotations that were locks before 1.17."""
        leases = from_api(objects, self._holder_host())
        if {lease.name for lease in leases} >= _USUAL:
            return leases
        endpoints, maps = await api.metadata("endpoints", _NAMESPACE), await api.metadata("configmaps", _NAMESPACE)
        return without_copies(leases, from_endpoints((*endpoints, *maps), self._holder_host()))

    def _holder_host(self) -> HolderHost:
        return finder(self._context.inventory.hosts, self._store.hostnames)

    def _time(self) -> float:
        return asyncio.get_running_loop().time()


async def _result(task: asyncio.Task[Observed[Leases]]) -> Observed[Leases]:
    return await asyncio.shield(task)
