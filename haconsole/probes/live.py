"""Watches every host for as long as somebody looks, and finds back to those that are lost."""

from __future__ import annotations

import asyncio

from haconsole.probes.context import ClusterContext
from haconsole.probes.fact_store import FactStore
from haconsole.probes.host_probes import HostProbes
from haconsole.probes.kubernetes.lease_watch import LeaseProbe
from haconsole.probes.kubernetes.nodes import NodeProbe
from haconsole.transport.base import TransportError

_STEADY_S = 30.0


class Live:
    """Keeps the board fresh until cancelled."""

    def __init__(self, context: ClusterContext, store: FactStore, *, certificates: bool) -> None:
        self._context = context
        self._leases = LeaseProbe(context, store)
        self._nodes = NodeProbe(context, store)
        self._hosts = tuple(
            HostProbes(context, store, host, certificates=certificates) for host in context.inventory.hosts
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._leases.expected:
                group.create_task(self._leases.follow())
            if self._nodes.expected:
                group.create_task(self._nodes.follow())
            for host in self._hosts:
                group.create_task(self._watch(host))
                group.create_task(host.follow_apis())

    async def _watch(self, host: HostProbes) -> None:
        """Follow, and after each loss again: at once after a steady time, with longer pauses while it keeps failing."""
        timings, loop = self._context.timings, asyncio.get_running_loop()
        pause = timings.retry_first_s
        while True:
            began = loop.time()
            try:
                await host.follow()
            except TransportError as error:
                host.connection_lost(error)
            pause = timings.retry_first_s if loop.time() - began > _STEADY_S else min(pause * 2, timings.retry_most_s)
            await asyncio.sleep(pause)
