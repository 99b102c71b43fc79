"""Details of leases, certificates, findings and events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from haconsole.model.certificate import Certificate
from haconsole.model.findings import Finding, Remedy
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import span, timestamp
from haconsole.present.cells import NOTHING, Cell, Tone
from haconsole.present.certificates import certificate_state, certificates_of, expiry_cell, validity
from haconsole.present.changes import SnapshotChange
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence, Target
from haconsole.present.details.common import observation, optional, yes_no
from haconsole.present.facts import display_of
from haconsole.present.findings import severity_cell
from haconsole.present.leases import holder_cell, state_cell


def about_lease(snapshot: ClusterSnapshot, namespace: str, name: str, now: datetime) -> Detail | None:
    """A lease: its holder, start and renewals."""
    leases = display_of(snapshot.leases)
    lease = next((each for each in leases.value or () if (each.namespace, each.name) == (namespace, name)), None)
    if lease is None:
        return None
    renewed = NOTHING
    age_s = lease.age_s(now)
    if lease.renewed_at is not None and age_s is not None:
        past = span(max(0, int(age_s)))
        renewed = Cell(f"{timestamp(lease.renewed_at, now)} UTC, {past} ago; valid for {lease.duration_s} s")
    return Detail(
        f"lease {namespace}/{name}",
        (
            Fact("state", state_cell(lease, now)),
            Fact("holder's host", holder_cell(lease)),
            Fact("holder", Cell(lease.holder) if lease.holder else Cell("nobody", Tone.CRITICAL)),
            Fact("acquired", Cell(f"{timestamp(lease.acquired_at, now)} UTC") if lease.acquired_at else NOTHING),
            Fact("renewed", renewed),
            Fact("transitions", Cell(f"{lease.transitions} times")),
            Fact("read from", Cell(str(lease.source))),
            *observation(snapshot.leases, now),
        ),
    )


def about_certificate(snapshot: ClusterSnapshot, host: HostName, path: str, now: datetime) -> Detail | None:
    """A certificate: its names, its users, and whether key and chain match."""
    entry = next((each for each in certificates_of(snapshot) if _place(each.certificate) == (host, path)), None)
    facts = snapshot.host(host)
    if entry is None or facts is None:
        return None
    certificate = entry.certificate
    return Detail(
        f"{certificate.role} on {host}",
        (
            Fact("state", certificate_state(certificate, now)),
            Fact("expires", expiry_cell(certificate, now)),
            Fact("valid", Cell(validity(certificate))),
            Fact("file", Cell(path)),
            Fact("subject", Cell(certificate.subject)),
            Fact("issuer", Cell(certificate.issuer)),
            Fact("serial", Cell(certificate.serial)),
            Fact("SHA-256", Cell(certificate.fingerprint)),
            Fact("is a CA", yes_no(certificate.is_ca)),
            Fact("chain verifies", _yes_or_no(certificate.chain_ok)),
            Heading("Names"),
            *(Sentence(Cell(name), "·") for name in certificate.sans or ("none",)),
            Heading("Key"),
            Fact("file", optional(certificate.key_path)),
            Fact("matches", _yes_or_no(certificate.key_matches)),
            Fact("mode", Cell(f"{certificate.key_mode:04o}") if certificate.key_mode is not None else NOTHING),
            Heading("Served"),
            Fact("at", Cell(certificate.served_at) if certificate.served_at else Cell("by no process", Tone.MUTED)),
            Fact("the same one", _same(certificate)),
            *observation(facts.certificates, now),
        ),
    )


def _place(certificate: Certificate) -> tuple[HostName, str]:
    return certificate.host, certificate.path


def _yes_or_no(value: bool | None) -> Cell:
    return NOTHING if value is None else yes_no(value, bad=False)


def _same(certificate: Certificate) -> Cell:
    if certificate.served_fingerprint is None:
        return NOTHING
    return yes_no(certificate.served_fingerprint == certificate.fingerprint, bad=False)


def about_finding(
    finding: Finding,
    remedy_line: Callable[[Remedy], str] | None = None,
    *,
    basis: tuple[Item, ...] = (),
    target_of: Callable[[str], Target | None] = lambda line: None,
) -> Detail:
    """The problem, its fix, its reason, the evidence, and the age of the facts in `basis`.

    Remedies are written as the screen shows them, unless `remedy_line` writes them. `target_of` gives what a line of
    the evidence is about.
    """
    from haconsole.present.offers import remedy_text

    line = remedy_line or remedy_text
    evidence: tuple[Item, ...] = tuple(Sentence(Cell(line), "·", target_of(line)) for line in finding.evidence)
    remedies: tuple[Item, ...] = tuple(
        Sentence(Cell(line(remedy), Tone.WARNING if remedy.last_resort else Tone.PLAIN), f"{number}.")
        for number, remedy in enumerate(finding.remedies, 1)
    )
    return Detail(
        f"{finding.code} · {finding.subject}",
        (
            Sentence(Cell(finding.summary, severity_cell(finding.severity).tone)),
            Fact("severity", severity_cell(finding.severity)),
            *_under("Fix", remedies),
            Heading("Why"),
            Sentence(Cell(finding.why)),
            *_under("Evidence", evidence),
            *_under("Read", basis),
        ),
    )


def _under(heading: str, items: tuple[Item, ...]) -> tuple[Item, ...]:
    return (Heading(heading), *items) if items else ()


def about_event(change: SnapshotChange, now: datetime) -> Detail:
    return Detail(
        f"event · {change.subject}",
        (Fact("when", Cell(f"{timestamp(change.at, now)} UTC")), Sentence(Cell(change.text, change.tone))),
    )
