"""Keeps what a host's etcd says on the board."""

from __future__ import annotations

import asyncio

from haconsole.errors import HaconsoleError
from haconsole.inventory.schema import Host
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Observed
from haconsole.probes.asking import asked
from haconsole.probes.board import Board
from haconsole.probes.etcd import probe_etcd
from haconsole.probes.etcd_access import etcd_on
from haconsole.probes.site import Site
from haconsole.transport.etcd_api import EtcdApi

_STALE_CREDENTIALS = (Cause.AUTH_FAILED,)


class EtcdProbe:
    """Asks the etcd of one host through one channel that stays open while it is followed."""

    def __init__(self, site: Site, board: Board, host: Host) -> None:
        self._site, self._board, self._host = site, board, host

    async def once(self) -> None:
        self._put(await asked(self._site, self._host, "etcd", self._look(), self._site.pace.fact_s))

    async def follow(self) -> None:
        """Each round; with the certificates read anew when etcd no longer takes the ones at hand."""
        while True:
            try:
                async with etcd_on(self._site, self._host) as api:
                    await self._ask_until_refused(api)
            except HaconsoleError as error:
                self._put(self._site.failed(self._host, "etcd", error))
            await asyncio.sleep(self._site.pace.retry_most_s)

    async def _ask_until_refused(self, api: EtcdApi) -> None:
        pace = self._site.pace
        while True:
            fact = await asked(self._site, self._host, "etcd", probe_etcd(api), pace.fact_s)
            self._put(fact)
            if isinstance(fact, Failed) and fact.cause in _STALE_CREDENTIALS:
                return
            await asyncio.sleep(pace.round_s)

    async def _look(self) -> EtcdEndpoint:
        async with etcd_on(self._site, self._host) as api:
            return await probe_etcd(api)

    def _put(self, fact: Observed[EtcdEndpoint]) -> None:
        self._board.put(HostName(self._host.name), "etcd", fact)
