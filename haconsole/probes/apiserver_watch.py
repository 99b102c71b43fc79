"""Keeps what a host's apiserver says of itself on the board."""

from __future__ import annotations

import asyncio

from haconsole.errors import HaconsoleError
from haconsole.inventory.schema import Host
from haconsole.model.hosts import ApiserverFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Observed
from haconsole.probes.apiserver import etcd_servers, probe_apiserver, section
from haconsole.probes.asking import asked
from haconsole.probes.board import Board
from haconsole.probes.kube_access import kube_on
from haconsole.probes.script import ARGV, Answer
from haconsole.probes.site import Site
from haconsole.transport.kube_api import KubeApi

_STALE_CREDENTIALS = (Cause.AUTH_FAILED,)


class ApiserverProbe:
    """Asks the apiserver of one host over connections that stay open while it is followed."""

    def __init__(self, site: Site, board: Board, host: Host) -> None:
        self._site, self._board, self._host = site, board, host

    async def once(self) -> None:
        self._put(await asked(self._site, self._host, "apiserver", self._look(), self._site.pace.fact_s))

    async def follow(self) -> None:
        """Each round; with the credentials read anew when the server no longer takes the ones at hand."""
        while True:
            try:
                async with kube_on(self._site, self._host) as api:
                    await self._ask_until_refused(api)
            except HaconsoleError as error:
                self._put(self._site.failed(self._host, "apiserver", error))
            await asyncio.sleep(self._site.pace.retry_most_s)

    async def _ask_until_refused(self, api: KubeApi) -> None:
        """The flags change only with a restart, so they are read again after the server was away."""
        pace, servers = self._site.pace, await self._etcd_servers()
        while True:
            question = probe_apiserver(api, etcd_servers=servers, deadline_s=pace.fact_s)
            fact = await asked(self._site, self._host, "apiserver", question, pace.fact_s)
            self._put(fact)
            if isinstance(fact, Failed):
                if fact.cause in _STALE_CREDENTIALS:
                    return
                servers = await self._etcd_servers()
            await asyncio.sleep(pace.round_s)

    async def _look(self) -> ApiserverFacts:
        async with kube_on(self._site, self._host) as api, asyncio.TaskGroup() as questions:
            servers = questions.create_task(self._etcd_servers())
            facts = await probe_apiserver(api, deadline_s=self._site.pace.fact_s)
        return ApiserverFacts(facts.ready, facts.failing, facts.version, servers.result())

    async def _etcd_servers(self) -> tuple[str, ...]:
        """What the running process was started with; none where it is not running."""
        asking = section()
        done = await self._site.transport(self._host).run(
            ARGV, stdin=asking.body.encode(), deadline_s=self._site.pace.fact_s
        )
        return etcd_servers(Answer(asking.name, done.stdout, done.stderr, 0)) if done.ok else ()

    def _put(self, fact: Observed[ApiserverFacts]) -> None:
        self._board.put(HostName(self._host.name), "apiserver", fact)
