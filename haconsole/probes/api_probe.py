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
from haconsole.probes.apiserver import probe_apiserver
from haconsole.probes.asking import asked
from haconsole.probes.board import Board
from haconsole.probes.due import Fact
from haconsole.probes.etcd import probe_etcd
from haconsole.probes.etcd_access import etcd_on
from haconsole.probes.kube_access import kube_on
from haconsole.probes.site import Site
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.kube_api import KubeApi

A = TypeVar("A")
T = TypeVar("T")

Way = Callable[[Site, Host], AbstractAsyncContextManager[A]]


class ApiProbe(Generic[A, T]):
    """Asks one API of one host: `way` leads to it, `ask` puts the question."""

    def __init__(
        self, site: Site, board: Board, host: Host, fact: Fact, way: Way[A], ask: Callable[[A], Awaitable[T]]
    ) -> None:
        self._site, self._board, self._host, self._fact = site, board, host, fact
        self._way, self._ask = way, ask

    async def once(self) -> None:
        self._put(await asked(self._site, self._host, self._fact, self._look(), self._site.pace.fact_s))

    async def follow(self) -> None:
        """Each round; with the certificates read anew when the server no longer takes the ones at hand."""
        while True:
            try:
                async with self._way(self._site, self._host) as api:
                    await self._ask_until_refused(api)
            except Exception as error:
                self._put(self._site.failed(self._host, self._fact, error))
            await asyncio.sleep(self._site.pace.reopen_s)

    async def _ask_until_refused(self, api: A) -> None:
        pace = self._site.pace
        while True:
            fact = await asked(self._site, self._host, self._fact, self._ask(api), pace.fact_s)
            self._put(fact)
            if isinstance(fact, Failed) and fact.cause is Cause.AUTH_FAILED:
                return
            await asyncio.sleep(pace.round_s)

    async def _look(self) -> T:
        async with self._way(self._site, self._host) as api:
            return await self._ask(api)

    def _put(self, fact: Observed[T]) -> None:
        self._board.put(HostName(self._host.name), self._fact, fact)


def etcd_probe(site: Site, board: Board, host: Host) -> ApiProbe[EtcdApi, object]:
    """etcd's own word, its member list and whether it reads with quorum."""
    return ApiProbe(site, board, host, "etcd", etcd_on, partial(probe_etcd, deadline_s=site.pace.etcd_s))


def apiserver_probe(site: Site, board: Board, host: Host) -> ApiProbe[KubeApi, object]:
    """The API server's readiness, with the etcd servers that the host's script saw it started with."""

    async def ask(api: KubeApi) -> ApiserverFacts:
        facts = await probe_apiserver(api, deadline_s=site.pace.fact_s)
        return replace(facts, etcd_servers=board.etcd_servers.get(HostName(host.name), ()))

    return ApiProbe(site, board, host, "apiserver", kube_on, ask)
