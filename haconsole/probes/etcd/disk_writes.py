"""The duration of a member's last writes to disk, from two readings of its metrics."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.probes.context import ClusterContext
from haconsole.probes.fact_store import FactStore
from haconsole.probes.readings import EtcdWay

APART_S = 3.0
"""The time between the two readings of a single look."""


class DiskWriteProbe:
    """Reads every member's metrics twice. A member that cannot be read has other findings."""

    def __init__(self, context: ClusterContext, store: FactStore) -> None:
        self._context, self._store = context, store
        self._hosts = context.inventory.with_role(Role.ETCD)

    async def once(self) -> None:
        async with asyncio.TaskGroup() as group:
            for host in self._hosts:
                group.create_task(self._read(host))

    async def _read(self, host: Host) -> None:
        with suppress(Exception):
            async with EtcdWay(self._context, self._store, host).open() as take:
                await take()
                await asyncio.sleep(APART_S)
                await take()
