"""Watches every host for as long as somebody looks, and finds back to those that are lost."""

from __future__ import annotations

import asyncio

from haconsole.probes.board import Board
from haconsole.probes.host_probes import HostProbes
from haconsole.probes.lease_watch import LeaseProbe
from haconsole.probes.site import Site
from haconsole.transport.base import TransportError

_STEADY_S = 30.0


class Live:
    """Keeps the board fresh until cancelled."""

    def __init__(self, site: Site, board: Board, *, certificates: bool) -> None:
        self._site = site
        self._leases = LeaseProbe(site, board)
        self._hosts = tuple(HostProbes(site, board, host, certificates=certificates) for host in site.inventory.hosts)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._leases.due:
                group.create_task(self._leases.follow())
            for host in self._hosts:
                group.create_task(self._watch(host))

    async def _watch(self, host: HostProbes) -> None:
        """Follow, and after each loss again: at once after a steady time, with longer pauses while it keeps failing."""
        pace, loop = self._site.pace, asyncio.get_running_loop()
        pause = pace.retry_first_s
        while True:
            began = loop.time()
            try:
                await host.follow()
            except TransportError as error:
                host.lost(error)
            pause = pace.retry_first_s if loop.time() - began > _STEADY_S else min(pause * 2, pace.retry_most_s)
            await asyncio.sleep(pause)
