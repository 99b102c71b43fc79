"""Reads a cluster: once, or live."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.lock import LockClaim
from haconsole.model.lock_view import claim_after
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.balancers.confirm_owners import confirm_owners
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.etcd.disk_writes import DiskWriteProbe
from haconsole.probes.etcd.external import ExternalEtcdProbe
from haconsole.probes.etcd.hashes import HashProbe
from haconsole.probes.fact_store import FactStore
from haconsole.probes.host_probes import HostProbes, UsageProbe
from haconsole.probes.kubernetes.lease_watch import LeaseProbe
from haconsole.probes.kubernetes.nodes import NodeProbe
from haconsole.probes.live import Live, cut_suspects
from haconsole.probes.reading_pace import ReadingPace
from haconsole.probes.readings import Readings
from haconsole.probes.refused_ports import RefusedPorts
from haconsole.transport import kube_client
from haconsole.transport.base import Fleet
from haconsole.transport.threads import in_thread

LEAST_S = 2.0
"""Seconds that hosts have at least to answer before a report by which nothing is known."""
KNOWN_AGAIN_S = 0.1


def utc_now() -> datetime:
    return datetime.now(UTC)


class Collector:
    """Queries the hosts of one inventory over one fleet.

    `secret` keys the fingerprints of VRRP passwords: equal passwords look equal within one collector and nowhere else.
    """

    def __init__(
        self,
        inventory: Inventory,
        fleet: Fleet,
        *,
        now: Callable[[], datetime] = utc_now,
        secret: bytes | None = None,
        timings: ProbeTimings | None = None,
    ) -> None:
        timings = timings or ProbeTimings()
        self.pace = ReadingPace(timings.readings_s, timings.fast_readings_s)
        self._context = ClusterContext(
            inventory, layout(inventory), fleet, now, secret or secrets.token_bytes(16), timings, pace=self.pace
        )
        self._revision = 0
        self._live: Live | None = None

    async def once(
        self, *, certificates: bool = False, thorough: bool = False, platform: bool = False
    ) -> ClusterSnapshot:
        """One look at every host. A host that fails or hangs shows as failed facts and delays no other.

        Ends within the pace's `overall_s` at the latest, whatever the hosts do.
        """
        async with aclosing(
            self.progress(certificates=certificates, thorough=thorough, platform=platform)
        ) as snapshots:
            return await anext(snapshots)

    async def measured(self) -> AsyncGenerator[ClusterSnapshot, None]:
        """One look at every host, with two readings for each figure: snapshots while it lasts, then the complete one.

        Between the two readings of any figure there is a snapshot.
        """
        timings, hosts = self._context.timings, self._context.inventory.hosts
        store = self._store()
        probes = tuple(HostProbes(self._context, store, host, certificates=True, readings=True) for host in hosts)
        readings = asyncio.create_task(Readings(self._context, store).twice(timings.between_readings_s))
        look = asyncio.create_task(self._look(store, probes, thorough=False))
        second = None
        try:
            while not look.done():
                await asyncio.wait((look,), timeout=timings.between_readings_s / 2)
                yield store.snapshot()
            look.result()
            second = asyncio.create_task(self._read_again(store, readings))
            while not second.done():
                await asyncio.wait((second,), timeout=timings.between_readings_s / 2)
                yield store.snapshot()
            second.result()
        finally:
            tasks = [task for task in (readings, look, second) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._revision = store.changes.revision
        yield store.snapshot()

    async def _read_again(self, store: FactStore, readings: asyncio.Task[None]) -> None:
        """The second reading of each host's load, and the end of the other readings, as far as they come in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._context.timings.fact_s), asyncio.TaskGroup() as group:
                for host in self._context.inventory.hosts:
                    group.create_task(UsageProbe(self._context, store, host).once())
                await readings

    async def progress(
        self,
        *,
        certificates: bool = False,
        thorough: bool = False,
        platform: bool = False,
        first_after_s: float | None = None,
    ) -> AsyncGenerator[ClusterSnapshot, None]:
        """The same look; an unfinished snapshot after `first_after_s` names what is pending, and the rest follows.

        Where no host's services are known by then, it waits for the first ones, at most `LEAST_S` from the start.
        """
        store = self._store()
        probes = tuple(
            HostProbes(self._context, store, host, certificates=certificates, thorough=thorough, platform=platform)
            for host in self._context.inventory.hosts
        )
        look = asyncio.create_task(self._look(store, probes, thorough=thorough))
        try:
            await asyncio.wait((look,), timeout=first_after_s)
            if first_after_s is not None:
                await _until_any_is_known(store, look, LEAST_S - first_after_s)
            if not look.done():
                yield store.snapshot()
            await look
        finally:
            look.cancel()
            await asyncio.gather(look, return_exceptions=True)
        self._revision = store.changes.revision
        yield store.snapshot()

    async def _look(self, store: FactStore, probes: tuple[HostProbes, ...], *, thorough: bool) -> None:
        leases, nodes = LeaseProbe(self._context, store), NodeProbe(self._context, store)
        external = ExternalEtcdProbe(self._context, store)
        preloading = asyncio.create_task(in_thread(self._preload, "preload"))
        try:
            async with asyncio.timeout(self._context.timings.overall_s), asyncio.TaskGroup() as group:
                for probe in probes:
                    group.create_task(probe.once())
                if leases.expected:
                    group.create_task(leases.once())
                if nodes.expected:
                    group.create_task(nodes.once())
                if external.expected:
                    group.create_task(external.once())
                if thorough:
                    group.create_task(HashProbe(self._context, store).once())
                    group.create_task(DiskWriteProbe(self._context, store).once())
                group.create_task(confirm_owners(store, probes))
                if thorough:
                    group.create_task(RefusedPorts(self._context.inventory, store, probes).once())
        except TimeoutError:
            pass
        finally:
            preloading.cancel()
            await asyncio.wait((preloading,))
        self._give_up(store, probes, leases, nodes)
        external.give_up(self._context.timings.overall_s)

    def _give_up(self, store: FactStore, probes: tuple[HostProbes, ...], leases: LeaseProbe, nodes: NodeProbe) -> None:
        """No fact is pending after a look, however its query ended."""
        for probe in probes:
            probe.give_up(self._context.timings.overall_s)
        if store.shared.is_missing("leases"):
            leases.give_up(self._context.timings.overall_s)
        if store.shared.is_missing("nodes"):
            nodes.give_up(self._context.timings.overall_s)

    async def live(self, *, certificates: bool = True) -> AsyncGenerator[ClusterSnapshot, None]:
        """Snapshots as facts change, the first as soon as anything is known; ends when the iterator is closed.

        Facts that come close together make one snapshot. A host that is lost keeps its last values in failed facts.
        When a run ends (its claim leaves the cluster's lock, whichever console had it) all facts are read again.
        When a member stops completing reads, the connections between hosts are checked at once.
        """
        store = self._store()
        self._live = live = Live(self._context, store, certificates=certificates)
        watching = asyncio.create_task(live.run())
        watching.add_done_callback(lambda _: store.changes.wake())
        claim: LockClaim | None = None
        suspects: frozenset[HostName] = frozenset()
        try:
            while True:
                await store.changes.wait(self._context.timings.news_s)
                if watching.done():
                    watching.result()
                    return
                self._revision = store.changes.revision
                snapshot = store.snapshot()
                before, claim = claim, claim_after(claim, snapshot)
                if before is not None and claim != before:
                    live.refresh()
                suspects_before, suspects = suspects, cut_suspects(snapshot)
                if suspects - suspects_before:
                    live.check_connections()
                yield snapshot
                await asyncio.sleep(self._context.timings.at_most_every_s)
        finally:
            if self._live is live:
                self._live = None
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def refresh(self) -> None:
        """Read all facts of a live view again now; nothing where there is no live view."""
        if self._live is not None:
            self._live.refresh()

    def _preload(self) -> None:
        """Load the client of the API while SSH connects: it takes about as long."""
        if self._context.layout.kubernetes and self._context.inventory.with_role(Role.CONTROL_PLANE):
            kube_client.preload()

    def _store(self) -> FactStore:
        return FactStore(self._context.inventory, self._context.now, self._revision)


async def _until_any_is_known(store: FactStore, look: asyncio.Task[None], within_s: float) -> None:
    """Wait until a host has reported its services, cannot be reached, or the look ends."""
    end = time.monotonic() + within_s
    while not (look.done() or any(map(_is_known, store.snapshot().hosts)) or time.monotonic() >= end):
        await asyncio.wait((look,), timeout=KNOWN_AGAIN_S)


def _is_known(facts: HostFacts) -> bool:
    return isinstance(facts.services, Known) or isinstance(facts.reach, Failed)
