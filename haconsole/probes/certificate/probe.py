"""Keeps a host's certificates in the fact store. Slow and seldom: handshakes, and openssl for every key."""

from __future__ import annotations

import asyncio

from haconsole.configs.certificate_files import certificate_files, token_key_files
from haconsole.inventory.effective import join_host_port, outside_endpoint
from haconsole.inventory.schema import Host
from haconsole.model.certificate import Certificate, TokenKeys
from haconsole.model.hosts import EndpointAnswers, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Known
from haconsole.probes.certificate import reader_script
from haconsole.probes.certificate.reader_script import HostCertificates
from haconsole.probes.context import ClusterContext
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.fact_store import FactStore
from haconsole.probes.observe import observe
from haconsole.probes.script import ARGV, Section, SectionAnswer, answers, render

_SAID = 2
_LOOPBACK = "127.0.0.1"
_ROLES = {Role.CONTROL_PLANE, Role.WORKER}
"""The roles whose hosts use the API's endpoint."""


class CertificateProbe:
    """Reads everything in one root command."""

    def __init__(self, context: ClusterContext, store: FactStore, host: Host) -> None:
        self._context, self._store, self._host = context, store, host
        self._name = HostName(host.name)

    async def once(self) -> None:
        fact = await observe(
            self._context, self._host, "certificates", self._look(), self._context.timings.certificates_deadline_s
        )
        self._store.put(self._name, "certificates", fact)

    async def follow(self) -> None:
        """Every ten minutes by default, and soon again while it fails."""
        while True:
            await self.once()
            known = isinstance(self._store.facts(self._name).certificates, Known)
            await asyncio.sleep(self._context.timings.certificates_s if known else self._context.timings.slow_round_s)

    async def _look(self) -> tuple[Certificate, ...]:
        files = certificate_files(self._context.layout, self._host)
        token_keys = token_key_files(self._context.layout, self._host)
        outside = outside_endpoint(self._context.inventory) if _ROLES & set(self._host.roles) else None
        answers_read = await self._read(
            reader_script.sections(files, (self._host.address, _LOOPBACK), token_keys, outside)
        )
        report = await asyncio.to_thread(_report_of, answers_read)
        further = reader_script.of_kubeconfigs(report)
        if further:
            others = await self._read((further,))
            report = reader_script.with_files(report, await asyncio.to_thread(_report_of, others))
        certificates_read, notes, keys = await asyncio.to_thread(self._judge, report, answers_read)
        endpoint = await asyncio.to_thread(_endpoint_answers, outside, answers_read)
        self._store.put_token_keys(self._name, keys, endpoint)
        if files and not certificates_read:
            raise ProbeError(f"certificates: none could be read: {'; '.join(notes[:_SAID])}", Cause.NOT_CONFIGURED)
        self._store.put_notes(self._name, notes)
        return certificates_read

    async def _read(self, sections: tuple[Section, ...]) -> dict[str, SectionAnswer]:
        result = await self._context.transport(self._host).run(
            ARGV, stdin=render(sections), root=True, deadline_s=self._context.timings.certificates_deadline_s
        )
        return {answer.section: answer for answer in answers(result.stdout)}

    def _judge(
        self, report: HostCertificates, answer_by_section: dict[str, SectionAnswer]
    ) -> tuple[tuple[Certificate, ...], tuple[str, ...], tuple[TokenKeys, ...]]:
        """Parsing takes some tens of milliseconds, loading cryptography more: not in the event loop."""
        from haconsole.probes.certificate.parse import Surroundings, certificates, names_to_serve, token_keys

        presented = {
            int(name.removeprefix(reader_script.SERVED)): reader_script.parse_served(answer)
            for name, answer in answer_by_section.items()
            if name.startswith(reader_script.SERVED)
        }
        around = Surroundings(
            host=self._name,
            now=self._context.now(),
            names=names_to_serve(self._context.inventory, self._host),
            served_by_port={port: pem for port, pem in presented.items() if pem},
        )
        certificates_read, notes = certificates(certificate_files(self._context.layout, self._host), report, around)
        return certificates_read, notes, token_keys(report)


def _endpoint_answers(
    endpoint: tuple[str, int] | None, answer_by_section: dict[str, SectionAnswer]
) -> EndpointAnswers | None:
    """None where no endpoint was queried, or the host ended before it answered."""
    answer = answer_by_section.get(reader_script.ENDPOINT)
    if endpoint is None or answer is None:
        return None
    from haconsole.pki.inspect import inspect

    leaves = (one for pem in reader_script.parse_endpoint(answer) for one in inspect(pem.encode())[:1])
    return EndpointAnswers(join_host_port(*endpoint), tuple(sorted({one.fingerprint for one in leaves})))


def _report_of(answer_by_section: dict[str, SectionAnswer]) -> HostCertificates:
    """Parsing of YAML takes some milliseconds: not in the event loop."""
    files = answer_by_section.get(reader_script.FILES)
    if files is None:
        raise ProbeError("certificates: the host ended the query before it answered", Cause.CONNECTION_LOST)
    require(files, "reading certificates")
    return reader_script.parse_files(files)
