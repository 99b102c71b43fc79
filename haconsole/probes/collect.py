"""Looks at a whole cluster: once, or for as long as somebody watches."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import Role
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.board import Board
from haconsole.probes.host_probes import HostProbes
from haconsole.probes.lease_watch import LeaseProbe
from haconsole.probes.live import Live
from haconsole.probes.site import Pace, Site
from haconsole.transport import etcd_channel, kube_client
from haconsole.transport.base import Fleet
from haconsole.transport.threads import in_thread


def utc_now() -> datetime:
    return datetime.now(UTC)


class Collector:
    """Asks the hosts of one inventory over one fleet.

    `secret` keys the fingerprints of VRRP passwords: equal passwords look equal within one collector and nowhere else.
    """

    def __init__(
        self,
        inventory: Inventory,
        fleet: Fleet,
        *,
        now: Callable[[], datetime] = utc_now,
        secret: bytes | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._site = Site(inventory, layout(inventory), fleet, now, secret or secrets.token_bytes(16), pace or Pace())
        self._revision = 0

    async def once(self, *, certificates: bool = False) -> ClusterSnapshot:
        """One look at every host. A host that fails or hangs shows as failed facts and delays no other.

        Ends within the pace's `overall_s` at the latest, whatever the hosts do.
        """
        board = self._board()
        probes = tuple(
            HostProbes(self._site, board, host, certificates=certificates) for host in self._site.inventory.hosts
        )
        leases = LeaseProbe(self._site, board)
        preloading = asyncio.create_task(in_thread(self._preload, "preload"))
        try:
            async with asyncio.timeout(self._site.pace.overall_s), asyncio.TaskGroup() as group:
                for probe in probes:
                    group.create_task(probe.once())
                if leases.due:
                    group.create_task(leases.once())
        except TimeoutError:
            for probe in probes:
                probe.give_up(self._site.pace.overall_s)
            if board.leases_unanswered:
                leases.give_up(self._site.pace.overall_s)
        finally:
            preloading.cancel()
            await asyncio.wait((preloading,))
        self._revision = board.revision
        return board.snapshot()

    async def live(self, *, certificates: bool = True) -> AsyncGenerator[ClusterSnapshot, None]:
        """Snapshots as facts change, the first as soon as anything is known; ends when the iterator is closed.

        Facts that come close together make one snapshot. A host that is lost keeps its last values in failed facts.
        """
        board = self._board()
        watching = asyncio.create_task(Live(self._site, board, certificates=certificates).run())
        watching.add_done_callback(lambda _: board.wake())
        try:
            while True:
                await board.changed(self._site.pace.news_s)
                if watching.done():
                    watching.result()
                    return
                self._revision = board.revision
                yield board.snapshot()
                await asyncio.sleep(self._site.pace.at_most_every_s)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def _preload(self) -> None:
        """Load what speaks to etcd and the API while SSH connects: it takes about as long."""
        inventory = self._site.inventory
        if inventory.with_role(Role.ETCD):
            etcd_channel.preload()
        if self._site.layout.kubernetes and inventory.with_role(Role.CONTROL_PLANE):
            kube_client.preload()

    def _board(self) -> Board:
        return Board(self._site.inventory, self._site.now, self._revision)
