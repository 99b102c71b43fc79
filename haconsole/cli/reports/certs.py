"""The certificate report, as JSON (``haconsole/certs/v1``) and as text: certificates, CAs and keys of every host."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from haconsole.cli.output import UNLIMITED
from haconsole.cli.reports.findings import FindingReport, Shape, finding_report, stamp
from haconsole.cli.reports.page import table_lines
from haconsole.cli.reports.text import findings_text
from haconsole.diagnosis.certificates import shared_material
from haconsole.model.certificate import Certificate
from haconsole.model.findings import Finding, Health, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.certificates import certificates_table, shared_table

SCHEMA = "haconsole/certs/v1"


class KeyReport(Shape, frozen=True):
    """The private key beside a certificate; `mode` in octal, `matches` null when it could not be compared."""

    path: str
    mode: str | None
    matches: bool | None


class HeldReport(Shape, frozen=True):
    """A certificate in a file. `served` is null if no process presents it, otherwise whether that is the file's.

    `chain_ok` and `issued_by` (the CA's fingerprint) are null for CAs.
    """

    host: str
    role: str
    path: str
    subject: str
    issuer: str
    serial: str
    fingerprint: str
    is_ca: bool
    sans: tuple[str, ...]
    missing_names: tuple[str, ...]
    not_before: str
    not_after: str
    days_left: int
    served_at: str | None
    served: bool | None
    key: KeyReport | None
    chain_ok: bool | None
    issued_by: str | None
    problem: str | None


class SharedReport(Shape, frozen=True):
    """Files that must be the same everywhere: a CA by its role, or the service-account keys; fingerprints by host."""

    what: str
    same: bool
    hosts: dict[str, tuple[str, ...]]


class UnreadReport(Shape, frozen=True):
    """A host whose certificates could not be read, or a file of it that could not."""

    host: str
    reason: str


class CertsReport(Shape, frozen=True):
    """All certificates at `observed_at`, the next to expire first."""

    schema: str
    cluster: str
    observed_at: str
    health: str
    certificates: tuple[HeldReport, ...]
    shared: tuple[SharedReport, ...]
    unread: tuple[UnreadReport, ...]
    findings: tuple[FindingReport, ...]


def certs_health(snapshot: ClusterSnapshot, findings: tuple[Finding, ...]) -> Health:
    """UNKNOWN when no host returned its certificates; otherwise the worst finding, and DEGRADED with an unreachable
    host.
    """
    if not any(isinstance(facts.certificates, Known) for facts in snapshot.hosts):
        return Health.UNKNOWN
    severities = {finding.severity for finding in findings}
    if Severity.CRITICAL in severities:
        return Health.CRITICAL
    silent = any(isinstance(facts.certificates, Failed) for facts in snapshot.hosts)
    return Health.DEGRADED if silent or Severity.WARNING in severities else Health.HEALTHY


def certs_report(
    snapshot: ClusterSnapshot, findings: tuple[Finding, ...], health: Health, now: datetime
) -> CertsReport:
    """The certificates in their JSON shape; `now` decides the days left."""
    return CertsReport(
        SCHEMA,
        snapshot.cluster,
        stamp(snapshot.observed_at),
        health.value,
        tuple(_certificate_report(one, now) for one in by_end(snapshot)),
        tuple(
            SharedReport(what, len({frozenset(prints) for prints in hosts.values()}) == 1, hosts)
            for what, hosts in shared_material(snapshot)
        ),
        tuple(_unread(snapshot)),
        tuple(finding_report(finding) for finding in findings),
    )


def certs_text(
    snapshot: ClusterSnapshot, findings: tuple[Finding, ...], health: Health, now: datetime, width: int = UNLIMITED
) -> str:
    """The same as a page: certificates, what hosts share, files that could not be read, findings last."""
    lines = [f"{snapshot.cluster}: certificates {health.value}, observed {snapshot.observed_at:%Y-%m-%d %H:%M:%S}Z"]
    lines += ("", *table_lines(certificates_table(snapshot, now)))
    lines += ("", *table_lines(shared_table(snapshot)))
    notes = tuple(f"  {facts.host}: {note}" for facts in snapshot.hosts for note in _notes(facts))
    if notes:
        lines += ("", "files not read", *notes)
    if findings:
        lines += ("", findings_text(findings, width))
    return "\n".join(lines)


def by_end(snapshot: ClusterSnapshot) -> tuple[Certificate, ...]:
    """Every certificate that was read, the next to expire first."""
    certificates = (one for facts in snapshot.hosts for one in value_of(facts.certificates) or ())
    return tuple(sorted(certificates, key=lambda one: (one.not_after, one.host, one.role)))


def _certificate_report(one: Certificate, now: datetime) -> HeldReport:
    mode = f"{one.key_mode:04o}" if one.key_mode is not None else None
    return HeldReport(
        host=one.host,
        role=one.role,
        path=one.path,
        subject=one.subject,
        issuer=one.issuer,
        serial=one.serial,
        fingerprint=one.fingerprint,
        is_ca=one.is_ca,
        sans=one.sans,
        missing_names=one.missing_names,
        not_before=stamp(one.not_before),
        not_after=stamp(one.not_after),
        days_left=one.days_left(now),
        served_at=one.served_at,
        served=_served(one),
        key=KeyReport(one.key_path, mode, one.key_matches) if one.key_path else None,
        chain_ok=one.chain_ok,
        issued_by=one.issued_by,
        problem=one.problem,
    )


def _served(one: Certificate) -> bool | None:
    return None if one.served_fingerprint is None else one.served_fingerprint == one.fingerprint


def _unread(snapshot: ClusterSnapshot) -> Iterator[UnreadReport]:
    for facts in snapshot.hosts:
        if isinstance(facts.certificates, Failed):
            yield UnreadReport(facts.host, facts.certificates.reason)
        yield from (UnreadReport(facts.host, note) for note in _notes(facts))


def _notes(facts: HostFacts) -> tuple[str, ...]:
    return facts.notes if isinstance(facts.certificates, Known) else ()
