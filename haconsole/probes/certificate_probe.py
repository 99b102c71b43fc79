"""Keeps a host's certificates on the board. Slow and seldom: handshakes, and openssl for every key."""

from __future__ import annotations

import asyncio

from haconsole.configs.certificate_files import certificate_files, token_key_files
from haconsole.inventory.schema import Host
from haconsole.model.certificate import Certificate, TokenKeys
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Known
from haconsole.probes import certificate_script
from haconsole.probes.asking import asked
from haconsole.probes.board import Board
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import ARGV, Answer, answers, render
from haconsole.probes.site import Site

_SAID = 2
_LOOPBACK = "127.0.0.1"


class CertificateProbe:
    """Reads everything in one root command."""

    def __init__(self, site: Site, board: Board, host: Host) -> None:
        self._site, self._board, self._host = site, board, host
        self._name = HostName(host.name)

    async def once(self) -> None:
        fact = await asked(
            self._site, self._host, "certificates", self._look(), self._site.pace.certificates_deadline_s
        )
        self._board.put(self._name, "certificates", fact)

    async def follow(self) -> None:
        """Every ten minutes by default, and soon again while it fails."""
        while True:
            await self.once()
            known = isinstance(self._board.facts(self._name).certificates, Known)
            await asyncio.sleep(self._site.pace.certificates_s if known else self._site.pace.slow_round_s)

    async def _look(self) -> tuple[Certificate, ...]:
        wanted = certificate_files(self._site.layout, self._host)
        script = render(
            certificate_script.sections(
                wanted, (self._host.address, _LOOPBACK), token_key_files(self._site.layout, self._host)
            )
        )
        done = await self._site.transport(self._host).run(
            ARGV, stdin=script, root=True, deadline_s=self._site.pace.certificates_deadline_s
        )
        told = {answer.section: answer for answer in answers(done.stdout)}
        found, notes, keys = await asyncio.to_thread(self._judge, told)
        self._board.put_token_keys(self._name, keys)
        if wanted and not found:
            raise ProbeError(f"certificates: none could be read: {'; '.join(notes[:_SAID])}", Cause.NOT_CONFIGURED)
        self._board.put_notes(self._name, notes)
        return found

    def _judge(self, told: dict[str, Answer]) -> tuple[tuple[Certificate, ...], tuple[str, ...], tuple[TokenKeys, ...]]:
        """Parsing takes some tens of milliseconds, loading cryptography more: not in the event loop."""
        from haconsole.probes.certificates import Surroundings, certificates, names_to_serve, token_keys

        files = told.get(certificate_script.FILES)
        if files is None:
            raise ProbeError("certificates: the host ended before it answered", Cause.CONNECTION_LOST)
        require(files, "read certificates")
        shown = {
            int(name.removeprefix(certificate_script.SERVED)): certificate_script.parse_served(answer)
            for name, answer in told.items()
            if name.startswith(certificate_script.SERVED)
        }
        around = Surroundings(
            host=self._name,
            now=self._site.now(),
            names=names_to_serve(self._site.inventory, self._host),
            served={port: served for port, served in shown.items() if served},
        )
        read = certificate_script.parse_files(files)
        found, notes = certificates(certificate_files(self._site.layout, self._host), read, around)
        return found, notes, token_keys(read)
