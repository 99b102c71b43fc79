"""Watches every host while somebody looks, and reconnects to hosts that were lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.context import ClusterContext
from haconsole.probes.etcd.election import ElectionProbe
from haconsole.probes.etcd.external import ExternalEtcdProbe
from haconsole.probes.etcd.hashes import HashProbe
from haconsole.probes.fact_store import FactStore
from haconsole.probes.host_probes import HostProbes
from haconsole.probes.kubernetes.lease_watch import LeaseProbe
from haconsole.probes.kubernetes.nodes import NodeProbe
from haconsole.probes.readings import Readings
from haconsole.probes.refused_ports import RefusedPorts
from haconsole.transport.base import TransportError

_STEADY_S = 30.0


CHECK_AGAIN_S = 15
"""Seconds between two checks of connections out of turn."""


def cut_suspects(snapshot: ClusterSnapshot) -> frozenset[HostName]:
    """The hosts whose member answers but completes no read: their connections to other members may be cut."""
    return frozenset(
        facts.host for facts in snapshot.hosts if isinstance(facts.etcd, Known) and not facts.etcd.value.healthy
    )


class Live:
    """Keeps the fact store fresh until cancelled."""

    def __init__(self, context: ClusterContext, store: FactStore, *, certificates: bool) -> None:
        self._context = context
        self._readings = Readings(context, store)
        self._leases = LeaseProbe(context, store)
        self._nodes = NodeProbe(context, store)
        self._external_etcd = ExternalEtcdProbe(context, store)
        self._hashes = HashProbe(context, store)
        self._election = ElectionProbe(context, store)
        self._suspicion = asyncio.Event()
        self._reread = {host.name: asyncio.Event() for host in context.inventory.hosts}
        self._hosts = tuple(
            HostProbes(context, store, host, certificates=certificates, thorough=True, readings=True)
            for host in context.inventory.hosts
        )
        self._refused_ports = RefusedPorts(context.inventory, store, self._hosts)

    def check_connections(self) -> None:
        """Check the connections between hosts again soon, sooner than their next turn."""
        self._suspicion.set()

    async def _check_connections(self) -> None:
        while True:
            await self._suspicion.wait()
            self._suspicion.clear()
            await asyncio.gather(*(host.look_again(("peer_ports",)) for host in self._hosts))
            await asyncio.sleep(CHECK_AGAIN_S)

    def refresh(self) -> None:
        """Read every fact of every host again now, also of hosts whose next attempt to connect is due later."""
        for event in self._reread.values():
            event.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._leases.expected:
                group.create_task(self._leases.follow())
            if self._nodes.expected:
                group.create_task(self._nodes.follow())
            if self._external_etcd.expected:
                group.create_task(self._external_etcd.follow())
            group.create_task(self._hashes.follow())
            group.create_task(self._election.follow())
            group.create_task(self._refused_ports.follow())
            group.create_task(self._check_connections())
            group.create_task(self._readings.follow(self._context.pace))
            for host in self._hosts:
                group.create_task(self._watch(host))
                group.create_task(host.follow_apis())

    async def _watch(self, host: HostProbes) -> None:
        """Follow, and after each loss again: at once after a steady time, with longer pauses while it keeps failing."""
        timings, loop, reread = self._context.timings, asyncio.get_running_loop(), self._reread[host.name]
        pause = timings.retry_first_s
        while True:
            began = loop.time()
            reread.clear()
            try:
                await _follow(host, reread)
            except TransportError as error:
                host.connection_lost(error)
            if reread.is_set():
                continue
            pause = timings.retry_first_s if loop.time() - began > _STEADY_S else min(pause * 2, timings.retry_most_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await reread.wait()


async def _follow(host: HostProbes, reread: asyncio.Event) -> None:
    """Follow the host until it is lost (TransportError), or until `reread`: following starts with every fact."""
    following = asyncio.create_task(host.follow())
    waiting = asyncio.create_task(reread.wait())
    try:
        await asyncio.wait((following, waiting), return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
    finally:
        following.cancel()
        waiting.cancel()
        await asyncio.gather(following, waiting, return_exceptions=True)
