"""Rules about certificates: their time, their names, their issuer, and whether the process serves the file's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from haconsole.diagnosis.draft import Draft
from haconsole.model.certificate import Certificate
from haconsole.model.findings import Finding, Severity
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

WARNING_DAYS = 30
CRITICAL_DAYS = 7


def rules(snapshot: ClusterSnapshot, now: datetime) -> Iterator[Draft]:
    """Drafts about every certificate of every host."""
    for facts in snapshot.hosts:
        for certificate in value_of(facts.certificates) or ():
            yield from _time(certificate, now)
            yield from _trust(certificate)
            yield from _served(certificate)
            yield from _names(certificate)
    yield from _shared(snapshot)
    yield from _on_the_way(snapshot)


def _time(certificate: Certificate, now: datetime) -> Iterator[Draft]:
    days = certificate.days_left(now)
    if days >= WARNING_DAYS:
        return
    expired = certificate.not_after <= now
    severity = Severity.CRITICAL if expired or days < CRITICAL_DAYS else Severity.WARNING
    what = f"expired {-days} days ago" if expired else f"expires in {days} days"
    yield _draft(
        certificate,
        "cert.expired" if expired else "cert.expiring",
        severity,
        what,
        "Peers refuse an expired certificate at once.",
        _renewal(certificate),
    )


def _renewal(certificate: Certificate) -> str:
    if certificate.is_ca:
        return "run rotate-certs --ca"
    if certificate.role == "kubelet" and certificate.key_path == certificate.path and not certificate.in_kubeconfig:
        return f"kubelet renews it by itself; see why it did not: journalctl -u kubelet on {certificate.host}"
    return f"run rotate-certs --host {certificate.host}"


def _trust(certificate: Certificate) -> Iterator[Draft]:
    if certificate.chain_ok is False:
        yield _draft(
            certificate,
            "cert.wrong-ca",
            Severity.CRITICAL,
            f"does not verify with the CA in use; its issuer is {certificate.issuer}",
            "Those who trust that CA refuse it.",
            f"run rotate-certs --host {certificate.host}",
        )
    if certificate.key_matches is False:
        yield _draft(
            certificate,
            "cert.key-mismatch",
            Severity.CRITICAL,
            f"does not belong to the key {certificate.key_path}",
            "The process fails to start with such a pair.",
            f"run rotate-certs --host {certificate.host}",
        )
    if certificate.key_mode is not None and certificate.key_mode & 0o077:
        yield _draft(
            certificate,
            "cert.key-exposed",
            Severity.WARNING,
            f"has a key that others may read (mode {certificate.key_mode:04o})",
            "Whoever can read it can be this component.",
            f"chmod 0600 {certificate.key_path} on {certificate.host}",
        )


def _served(certificate: Certificate) -> Iterator[Draft]:
    if certificate.served_fingerprint in (None, certificate.fingerprint):
        return
    yield _draft(
        certificate,
        "cert.served-old",
        Severity.WARNING,
        f"is not what {certificate.served_at} presents",
        "The file was renewed and the process still serves the one it read at its start.",
        "restart just that process",
    )


def _names(certificate: Certificate) -> Iterator[Draft]:
    if not certificate.missing_names:
        return
    yield _draft(
        certificate,
        "cert.san-missing",
        Severity.CRITICAL,
        f"does not name {', '.join(certificate.missing_names)}",
        "Clients that use that name refuse it; behind a VIP that shows at the next failover only.",
        f"run rotate-certs --host {certificate.host}",
    )


def _shared(snapshot: ClusterSnapshot) -> Iterator[Draft]:
    """CAs and service-account keys are the same wherever they are used; there are two while one is replaced."""
    for what, by_host in shared_material(snapshot):
        held = {host: frozenset(prints) for host, prints in by_host.items()}
        if len(set(held.values())) < 2:
            continue
        common = frozenset.intersection(*held.values())
        yield Draft(
            Finding(
                "cert.wrong-ca",
                Severity.WARNING if common else Severity.CRITICAL,
                what,
                f"{what} differs between hosts" + ("; all have one in common" if common else ""),
                "A host refuses what was signed by another's."
                + (" Where all have one in common a rotation may be half-way." if common else ""),
                tuple(f"{host} has SHA-256 {' and '.join(one[:16] for one in by_host[host])}" for host in by_host),
                ("run rotate-certs --ca",) if common else ("set the wrong one aside, then run bootstrap",),
            )
        )


def _on_the_way(snapshot: ClusterSnapshot) -> Iterator[Draft]:
    """A CA that is to take another's place lies beside it until the last phase."""
    held = {
        (certificate.role.removesuffix(NEXT), facts.host)
        for facts in snapshot.hosts
        for certificate in value_of(facts.certificates) or ()
        if certificate.is_ca and certificate.role.endswith(NEXT)
    }
    for role in sorted({role for role, _ in held}):
        hosts = ", ".join(sorted(host for one, host in held if one == role))
        yield Draft(
            Finding(
                "cert.ca-rotation-open",
                Severity.INFO,
                role,
                f"a new {role} is on its way in",
                "Its rotation was begun and not ended. That may take days; it can be taken back until the last phase.",
                (f"it lies beside the one in use on {hosts}",),
                ("run rotate-certs --ca", "run rotate-certs --ca --back"),
            )
        )


NEXT = "-next"


def shared_material(snapshot: ClusterSnapshot) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    """What must not differ: each CA by its role and the service-account keys, with every host's fingerprints."""
    found: dict[str, dict[str, list[str]]] = {}
    for facts in snapshot.hosts:
        for certificate in value_of(facts.certificates) or ():
            if certificate.is_ca:
                found.setdefault(certificate.role, {}).setdefault(facts.host, []).append(certificate.fingerprint)
        for keys in facts.token_keys:
            kind = "service-account signing key" if keys.private else "service-account public keys"
            found.setdefault(kind, {}).setdefault(facts.host, []).extend(keys.fingerprints)
    for what, by_host in sorted(found.items()):
        yield what, {host: tuple(dict.fromkeys(prints)) for host, prints in by_host.items()}


def _draft(certificate: Certificate, code: str, severity: Severity, what: str, why: str, help_: str) -> Draft:
    subject = f"{certificate.host}:{certificate.path}"
    evidence = (f"subject {certificate.subject}", f"not after {certificate.not_after:%Y-%m-%d %H:%M}Z")
    return Draft(
        Finding(code, severity, subject, f"{certificate.role} on {certificate.host} {what}", why, evidence, (help_,)),
        (("host.clock-skew", certificate.host),) if code == "cert.expired" else (),
    )
