"""The certificates pane: every certificate on every host, the next to expire first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from haconsole.diagnosis.certificates import shared_material
from haconsole.model.certificate import Certificate
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, NotAsked
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import READ_EVERY_S, SELDOM_S, span
from haconsole.present.cells import NOTHING, UNKNOWN, Cell, Tone
from haconsole.present.facts import display_of, oldest
from haconsole.present.row_keys import CertificateKey, HostKey
from haconsole.present.table import Column, Row, TableView

WARN_DAYS = 30
CRITICAL_DAYS = 7
COLUMNS = (
    Column("HOST", least=6),
    Column("USE", least=10),
    Column("EXPIRES"),
    Column("STATE", least=12),
    Column("SUBJECT", rank=2, least=12),
    Column("ISSUER", rank=4, least=12),
    Column("FILE", rank=3, least=16, both_ends=True),
    Column("NOT AFTER", rank=5),
    Column("KEY", rank=6),
)


class HostCertificate(NamedTuple):
    """A certificate as it is known of a host; `stale` when the host does not answer now."""

    certificate: Certificate
    stale: bool


def certificates_of(snapshot: ClusterSnapshot) -> tuple[HostCertificate, ...]:
    """Every certificate known, the next to expire first."""
    entries = [
        HostCertificate(certificate, certificates.stale)
        for facts in snapshot.hosts
        for certificates in (display_of(facts.certificates),)
        for certificate in certificates.value or ()
    ]
    return tuple(sorted(entries, key=lambda each: (each.certificate.not_after, each.certificate.host)))


def certificates_table(snapshot: ClusterSnapshot, now: datetime) -> TableView:
    """One row per certificate, then the hosts whose certificates could not be read."""
    entries = certificates_of(snapshot)
    unread = tuple(facts for facts in snapshot.hosts if isinstance(facts.certificates, Failed))
    return TableView(
        title="certificates",
        columns=COLUMNS,
        rows=tuple(_row(each, now) for each in entries) + tuple(_unread(facts) for facts in unread),
        at=oldest(facts.certificates for facts in snapshot.hosts),
        summaries=_summaries(entries, unread, now),
        empty=_empty(snapshot),
        warn_s=READ_EVERY_S + SELDOM_S,
    )


def expiry_cell(certificate: Certificate, now: datetime) -> Cell:
    """Days left, or hours if there are few; with a sign and a tone from thirty days on."""
    seconds, days = (certificate.not_after - now).total_seconds(), certificate.days_left(now)
    if seconds <= 0:
        return Cell(f"✖ {span(int(-seconds))} ago", Tone.CRITICAL)
    if days < CRITICAL_DAYS:
        return Cell(f"✖ in {span(int(seconds))}", Tone.CRITICAL)
    return Cell(f"▲ in {days}d", Tone.WARNING) if days < WARN_DAYS else Cell(f"in {days}d")


def certificate_state(certificate: Certificate, now: datetime) -> Cell:
    """The most severe problem of the certificate."""
    if certificate.problem is not None:
        return Cell(f"✖ {certificate.problem}", Tone.CRITICAL)
    if certificate.not_after <= now:
        return Cell("✖ expired", Tone.CRITICAL)
    if certificate.not_before > now:
        return Cell("✖ not valid yet", Tone.CRITICAL)
    if certificate.chain_ok is False:
        return Cell("✖ from another CA", Tone.CRITICAL)
    if certificate.key_matches is False:
        return Cell("✖ key mismatch", Tone.CRITICAL)
    if certificate.served_fingerprint not in (None, certificate.fingerprint):
        return Cell("▲ file not loaded yet", Tone.WARNING)
    if certificate.key_mode is not None and certificate.key_mode & 0o077:
        return Cell("▲ key readable by others", Tone.WARNING)
    if certificate.days_left(now) < WARN_DAYS:
        return Cell("▲ due", Tone.WARNING)
    return Cell("● good", Tone.GOOD)


def _row(entry: HostCertificate, now: datetime) -> Row:
    certificate = entry.certificate
    cells = (
        Cell(certificate.host),
        Cell(certificate.role),
        expiry_cell(certificate, now),
        certificate_state(certificate, now),
        Cell(certificate.subject),
        Cell("itself" if certificate.issuer == certificate.subject else certificate.issuer, Tone.MUTED),
        Cell(certificate.path, Tone.MUTED),
        Cell(f"{certificate.not_after:%Y-%m-%d %H:%M}Z", Tone.MUTED),
        _key_cell(certificate),
    )
    return Row(CertificateKey(certificate.host, certificate.path), cells, stale=entry.stale)


def _key_cell(certificate: Certificate) -> Cell:
    """The mode of the private key, and whether it belongs to the certificate."""
    if certificate.key_path is None:
        return NOTHING
    mode = f"{certificate.key_mode:04o}" if certificate.key_mode is not None else "mode ?"
    match certificate.key_matches:
        case True:
            return Cell(mode, Tone.MUTED)
        case False:
            return Cell(f"✖ {mode}, wrong key", Tone.CRITICAL)
        case None:
            return Cell(f"{mode}, not compared", Tone.UNKNOWN)


def shared_table(snapshot: ClusterSnapshot) -> TableView:
    """CAs and token keys that must be equal on all hosts, with the start of their SHA-256 fingerprints."""
    material = shared_material(snapshot)
    rows = tuple(
        Row(HostKey(HostName(host)), (Cell(what), Cell(host), Cell(" ".join(one[:16] for one in prints))))
        for what, hosts in material
        for host, prints in hosts.items()
    )
    differ = tuple(what for what, hosts in material if len({frozenset(prints) for prints in hosts.values()}) > 1)
    summary = (
        Cell(f"✖ {', '.join(differ)} differ", Tone.CRITICAL) if differ else Cell("● equal on all hosts", Tone.GOOD)
    )
    columns = (Column("WHAT"), Column("HOST"), Column("SHA-256"))
    return TableView(
        "CAs and service-account keys", columns, rows, None, (summary,) if rows else (), NOTHING, ageless=True
    )


def _unread(facts: HostFacts) -> Row:
    reason = facts.certificates.reason if isinstance(facts.certificates, Failed) else ""
    cell = Cell(f"? {reason}", Tone.UNKNOWN)
    return Row(HostKey(HostName(facts.host)), (Cell(facts.host), UNKNOWN, UNKNOWN, cell, *(UNKNOWN,) * 5))


def _summaries(entries: tuple[HostCertificate, ...], unread: tuple[HostFacts, ...], now: datetime) -> tuple[Cell, ...]:
    tail = f", {len(unread)} hosts unread" if unread else ""
    if not entries:
        return (Cell(f"? none known{tail}", Tone.UNKNOWN),)
    first = entries[0].certificate
    text = f"{len(entries)}, next {first.role} on {first.host} {expiry_cell(first, now).text.lstrip('✖▲ ')}{tail}"
    return (Cell(text, expiry_cell(first, now).tone), Cell(f"{len(entries)}{tail}", expiry_cell(first, now).tone))


def _empty(snapshot: ClusterSnapshot) -> Cell:
    if all(isinstance(facts.certificates, NotAsked) for facts in snapshot.hosts):
        return Cell("? not queried yet", Tone.UNKNOWN)
    return Cell("there are no certificates on the hosts", Tone.MUTED)


def validity(certificate: Certificate) -> str:
    """From when to when it is valid; both with their dates, which are far apart."""
    first, last = (moment.astimezone(UTC) for moment in (certificate.not_before, certificate.not_after))
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
