"""Compares what the etcd members store: the hash of each member at one revision, which only equal data gives.

A hash reads the complete database, so it is rare, and a cluster in trouble is not queried.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import TypeVar

from haconsole.inventory.schema import Host
from haconsole.model.etcd import EtcdHash
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known, Observed
from haconsole.probes.context import ClusterContext
from haconsole.probes.etcd.access import etcd_on
from haconsole.probes.etcd.endpoint import probe_etcd
from haconsole.probes.fact_store import FactStore
from haconsole.probes.observe import observe
from haconsole.transport.etcd_api import EtcdApi

T = TypeVar("T")

_LARGEST_BYTES = 2 << 30
"""A larger database takes a member too long to read."""


class HashProbe:
    """Queries every member of a healthy cluster for its hash at a revision that all of them have applied."""

    def __init__(self, context: ClusterContext, store: FactStore) -> None:
        self._context, self._store = context, store
        self._hosts = context.inventory.with_role(Role.ETCD)

    async def once(self) -> None:
        """Put the members' hashes; none where a member gives no answer, is unhealthy or has a large database."""
        if len(self._hosts) < 2:
            return
        with suppress(Exception):
            async with asyncio.timeout(2 * self._context.timings.fact_s), AsyncExitStack() as stack:
                await self._compare(stack)

    async def _compare(self, stack: AsyncExitStack) -> None:
        """All connections are open, or have failed, before one of them is closed."""
        ways = (stack.enter_async_context(etcd_on(self._context, host)) for host in self._hosts)
        apis = _all_or_raise(await asyncio.gather(*ways, return_exceptions=True))
        revision = await self._common_revision(apis)
        if revision is not None:
            await asyncio.gather(*map(self._ask, self._hosts, apis, (revision,) * len(apis)))

    async def follow(self) -> None:
        """Query repeatedly, with long pauses."""
        while True:
            await asyncio.sleep(self._context.timings.fact_s)
            await self.once()
            await asyncio.sleep(self._context.timings.hashes_s)

    async def _common_revision(self, apis: list[EtcdApi]) -> int | None:
        """The revision that every member has; None unless all are healthy voters of one cluster."""
        deadline_s = self._context.timings.etcd_s
        probes = (probe_etcd(api, deadline_s=deadline_s) for api in apis)
        endpoints = _all_or_raise(await asyncio.gather(*probes, return_exceptions=True))
        usable = all(each.healthy and not each.learner and each.db_size_bytes < _LARGEST_BYTES for each in endpoints)
        if not usable or len({each.cluster_id for each in endpoints}) > 1:
            return None
        return min(each.revision for each in endpoints)

    async def _ask(self, host: Host, api: EtcdApi, revision: int) -> None:
        deadline_s = self._context.timings.fact_s
        hashed = api.maintenance.hash_kv(revision, deadline_s=deadline_s)
        fact: Observed[EtcdHash] = await observe(self._context, host, "etcd hash", hashed, deadline_s)
        if isinstance(fact, Known):
            self._store.put(HostName(host.name), "etcd_hash", fact)


def _all_or_raise(results: list[T | BaseException]) -> list[T]:
    """The results; raises the first failure among them."""
    for one in results:
        if isinstance(one, BaseException):
            raise one
    return [one for one in results if not isinstance(one, BaseException)]
