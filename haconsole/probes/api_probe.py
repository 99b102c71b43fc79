"""Keeps what a host's etcd or API server says on the board, over one channel that stays open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

from haconsole.inventory.schema import Host
from haconsole.model.hosts import ApiserverFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Observed
from haconsole.probes.context import ClusterContext
from haconsole.probes.etcd.access import etcd_on
from haconsole.probes.etcd.endpoint import probe_etcd
from haconsole.probes.expected_facts import FactName
from haconsole.probes.fact_store import FactStore
from haconsole.probes.kubernetes.access import kube_on
from haconsole.probes.kubernetes.apiserver import probe_apiserver
from haconsole.probes.observe import observe
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.kube_api import KubeApi

A = TypeVar("A")
T = TypeVar("T")

Way = Callable[[ClusterContext, Host], AbstractAsyncContextManager[A]]


class ApiProbe(Generic[A, T]):
    """Asks one API of one host: `way` leads to it, `ask` puts the question."""

    def __init__(
        self,
        context: ClusterContext,
        store: FactStore,
        host: Host,
        fact: FactName,
        way: Way[A],
        ask: Callable[[A], Awaitable[T]],
    ) -> None:
        self._context, self._store, self._host, self._fact = context, store, host, fact
        self._way, self._ask = way, ask

    async def once(self) -> None:
        self._put(await observe(self._context, self._host, self._fact, self._look(), self._context.timings.fact_s))

    async def follow(self) -> None:
        """Each round; with the certificates read anew when the server no longer takes the ones at hand."""
        while True:
            try:
                async with self._way(self._context, self._host) as api:
                    await self._ask_until_refused(api)
            except Exception as error:
                self._put(self._context.failed(self._host, self._fact, error))
            await asyncio.sleep(self._context.timings.reopen_s)

    async def _ask_until_refused(self, api: A) -> None:
        timings = self._context.timings
        while True:
            fact = await observe(self._context, self._host, self._fact, self._ask(api), timings.fact_s)
            self._put(fact)
            if isinstance(fact, Failed) and fact.cause is Cause.AUTH_FAILED:
                return
            await asyncio.sleep(timings.round_s)

    async def _look(self) -> T:
        async with self._way(self._context, self._host) as api:
            return await self._ask(api)

    def _put(self, fact: Observed[T]) -> None:
        self._store.put(HostName(self._host.name), self._fact, fact)


def etcd_probe(context: ClusterContext, store: FactStore, host: Host) -> ApiProbe[EtcdApi, object]:
    """etcd's own word, its member list and whether it reads with quorum."""
    return ApiProbe(context, store, host, "etcd", etcd_on, partial(probe_etcd, deadline_s=context.timings.etcd_s))


def apiserver_probe(context: ClusterContext, store: FactStore, host: Host) -> ApiProbe[KubeApi, object]:
    """The API server's readiness, with the etcd servers that the host's script saw it started with."""

    async def ask(api: KubeApi) -> ApiserverFacts:
        facts = await probe_apiserver(api, deadline_s=context.timings.fact_s)
        return replace(facts, etcd_servers=store.etcd_servers.get(HostName(host.name), ()))

    return ApiProbe(context, store, host, "apiserver", kube_on, ask)
