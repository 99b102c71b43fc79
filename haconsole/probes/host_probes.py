"""Everything that is asked of one host."""

from __future__ import annotations

import asyncio

from haconsole.inventory.schema import Host
from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.api_probe import apiserver_probe, etcd_probe
from haconsole.probes.asking import Probe, first_transport_error
from haconsole.probes.board import Board
from haconsole.probes.certificate_probe import CertificateProbe
from haconsole.probes.clock import ClockProbe
from haconsole.probes.due import Fact, due_facts
from haconsole.probes.host_script import HostScript, asides, questions
from haconsole.probes.site import Site
from haconsole.transport.base import TransportError


def probes_for(site: Site, board: Board, host: Host, due: tuple[Fact, ...]) -> tuple[Probe, ...]:
    """The probes, besides the script, behind the facts that are due on `host`."""
    known: dict[Fact, Probe] = {
        "clock_offset_ms": ClockProbe(site, board, host),
        "etcd": etcd_probe(site, board, host),
        "apiserver": apiserver_probe(site, board, host),
        "certificates": CertificateProbe(site, board, host),
    }
    return tuple(probe for fact, probe in known.items() if fact in due)


class HostProbes:
    """The probes of one host; what they hear goes to the board."""

    def __init__(self, site: Site, board: Board, host: Host, *, certificates: bool) -> None:
        self._site, self._board, self._host = site, board, host
        self._name = HostName(host.name)
        self._due = due_facts(site.layout, host, certificates=certificates)
        self._script = HostScript(site, board, host, questions(site, host, self._due), asides(board, host, self._due))
        self._probes = probes_for(site, board, host, self._due)

    async def once(self) -> None:
        """Ask everything once, side by side. Whatever fails becomes a failed fact."""
        try:
            self._reached(await self._site.transport(self._host).connect())
        except TransportError as error:
            self.lost(error)
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._script_once())
            for probe in self._probes:
                group.create_task(probe.once())

    def give_up(self, seconds: float) -> None:
        """What was not heard of by now is not waited for."""
        for fact in self._board.unanswered(self._name, self._due):
            self._board.put(self._name, fact, self._site.late(self._host, fact, seconds))

    async def follow(self) -> None:
        """Watch the host until it is lost (TransportError). A fact that fails alone is asked again by its probe."""
        reach = await self._site.transport(self._host).connect()
        lost: BaseExceptionGroup[TransportError] | None = None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._heart(reach))
                for probe in self._probes:
                    group.create_task(probe.follow())
        except* TransportError as errors:
            lost = errors
        if lost is not None:
            raise first_transport_error(lost)

    def lost(self, error: TransportError) -> None:
        """The host does not answer: every fact of it fails for that reason and keeps its last value."""
        self._board.fail(self._name, self._due, self._site.failed(self._host, "ssh", error))

    async def _script_once(self) -> None:
        if not self._script.facts:
            return
        try:
            async with asyncio.timeout(self._site.pace.fact_s):
                await self._script.once()
        except TimeoutError:
            for fact in self._board.unanswered(self._name, self._script.facts):
                self._board.put(self._name, fact, self._site.late(self._host, fact, self._site.pace.fact_s))
        except TransportError as error:
            failed = self._site.failed(self._host, "ssh", error)
            self._board.fail(self._name, self._board.unanswered(self._name, self._script.facts), failed)

    async def _heart(self, reach: Reach) -> None:
        """What tells that the host is there: the script's rounds, or the connection where only that is asked for."""
        if self._script.facts:
            await self._script.follow(lambda: self._reached(reach))
        while not self._script.facts:
            self._reached(await self._site.transport(self._host).connect())
            await asyncio.sleep(self._site.pace.retry_most_s)
        raise TransportError(self._name, Cause.CONNECTION_LOST, "the watching script on the host ended")

    def _reached(self, reach: Reach) -> None:
        self._board.put(self._name, "reach", self._site.known(reach))
