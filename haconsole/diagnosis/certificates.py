"""Rules about certificates: their lifetime, names and issuer, and whether the process serves the file's certificate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from haconsole.diagnosis.candidate import Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.model.certificate import Certificate
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

WARNING_DAYS = 30
CRITICAL_DAYS = 7
EXPIRED = ("cert.expired", "kubelet.cert-expired")
BY_CLOCK = (*EXPIRED, "cert.not-yet-valid")
"""Codes that a wrong clock explains."""
OF_ETCD = ("etcd-ca", "apiserver-etcd-client")
"""Certificates on control planes that the owner of etcd issues, where etcd is outside the inventory."""


def is_about_certificates(code: str) -> bool:
    """Whether the rules of this module report the code."""
    return code.startswith("cert.") or code in EXPIRED


def rules(snapshot: ClusterSnapshot, now: datetime) -> Iterator[Candidate]:
    """Candidates about every certificate of every host."""
    odd = _odd_hosts(snapshot)
    for facts in snapshot.hosts:
        own_cas = tuple(("cert.wrong-ca", what) for what, hosts in odd.items() if facts.host in hosts)
        for certificate in value_of(facts.certificates) or ():
            several = (
                *_time(certificate, now),
                *(replace(one, caused_by=(*one.caused_by, *own_cas)) for one in _trust(certificate)),
                *_served_file(certificate),
                *_names(certificate),
                *_usage(certificate),
            )
            theirs = bool(snapshot.external_etcd) and certificate.role in OF_ETCD
            yield from (_issued_by_others(one) for one in several) if theirs else several
    yield from _differing_material(snapshot)
    yield from _open_rotation(snapshot)


def _issued_by_others(one: Candidate) -> Candidate:
    """The finding without the rotation, which has no key of that CA."""
    fix = advice(
        "get a new client certificate and key from the owner of etcd. On one control plane at a time: replace "
        "CA, certificate and key, then restart its API server"
    )
    return replace(one, finding=replace(one.finding, remedies=(fix,)))


def _time(certificate: Certificate, now: datetime) -> Iterator[Candidate]:
    if certificate.not_before > now:
        yield _candidate(
            certificate,
            "cert.not-yet-valid",
            Severity.CRITICAL,
            f"is not valid before {certificate.not_before:%Y-%m-%d %H:%M} UTC",
            "Peers refuse the certificate until that time. The clock of the machine that issued it was ahead.",
            *_renewal(certificate),
        )
        return
    days = certificate.days_left(now)
    if days >= WARNING_DAYS:
        return
    is_expired = certificate.not_after <= now
    severity = Severity.CRITICAL if is_expired or days < CRITICAL_DAYS else Severity.WARNING
    what = f"expired {-days} days ago" if is_expired else f"expires in {days} days"
    if is_expired and certificate.role == "kubelet":
        yield _of_kubelet(certificate, what)
        return
    yield _candidate(
        certificate,
        "cert.expired" if is_expired else "cert.expiring",
        severity,
        what,
        "Peers refuse an expired certificate at once.",
        *_renewal(certificate),
    )


def _of_kubelet(certificate: Certificate, what: str) -> Candidate:
    """kubelet renews its pair only while that is valid, so it never recovers on its own."""
    return _candidate(
        certificate,
        "kubelet.cert-expired",
        Severity.CRITICAL,
        what,
        "The API server refuses kubelet, so the node turns NotReady. kubelet cannot start again, and cannot renew an "
        "expired certificate.",
        *_renewal(certificate),
    )


def _renewal(certificate: Certificate) -> tuple[Remedy, ...]:
    """kubelet renews its own pair, but only while that is valid."""
    if certificate.is_ca:
        return (call("rotate-certs", "replace the CA", ca="yes"),)
    if certificate.role == "kubelet" and certificate.key_path == certificate.path and not certificate.in_kubeconfig:
        why = f"find out why kubelet did not renew its certificate: journalctl -u kubelet on {certificate.host}"
        return _reissue(certificate), advice(why)
    return (_reissue(certificate),)


def _reissue(certificate: Certificate) -> Remedy:
    return call("rotate-certs", "reissue the certificates of this host", host=certificate.host)


def _trust(certificate: Certificate) -> Iterator[Candidate]:
    if certificate.chain_ok is False and certificate.is_ca and not certificate.in_kubeconfig:
        yield _candidate(
            certificate,
            "cert.wrong-ca",
            Severity.CRITICAL,
            f"is not the CA in use; its subject is {certificate.subject or 'empty'}",
            "A kubeconfig names this CA, so its component refuses the API server and does no work.",
            call("bootstrap", "write the kubeconfigs again, and restart their components", only="kubernetes"),
            advice(f"or correct certificate-authority in the kubeconfig on {certificate.host}; restart its component"),
        )
    elif certificate.chain_ok is False:
        yield _candidate(
            certificate,
            "cert.wrong-ca",
            Severity.CRITICAL,
            f"does not verify with the CA in use; its issuer is {certificate.issuer}",
            "Clients that trust the CA in use refuse the certificate.",
            _reissue(certificate),
        )
    if certificate.key_matches is False:
        yield _candidate(
            certificate,
            "cert.key-mismatch",
            Severity.CRITICAL,
            f"does not belong to the key {certificate.key_path}",
            "The process fails to start with a certificate and key that do not match.",
            _reissue(certificate),
        )
    if certificate.key_mode is not None and certificate.key_mode & 0o077:
        yield _candidate(
            certificate,
            "cert.key-exposed",
            Severity.WARNING,
            f"has a key that other accounts can read (mode {certificate.key_mode:04o})",
            "Any account that can read the key can impersonate this component.",
            call(
                "repair",
                "let only its owner read the key",
                setting="key-mode",
                host=certificate.host,
                target=certificate.key_path or "",
            ),
        )


def _served_file(certificate: Certificate) -> Iterator[Candidate]:
    if certificate.served_fingerprint in (None, certificate.fingerprint):
        return
    yield _candidate(
        certificate,
        "cert.served-old",
        Severity.WARNING,
        f"is not the certificate that {certificate.served_at} presents",
        "The file was renewed, and the process still serves the certificate it loaded at its start.",
        _restart(certificate),
    )


def _restart(certificate: Certificate) -> Remedy:
    """The process that serves it; the restart action knows the control plane's components by their names."""
    service = next((name for name in SERVICES if certificate.role.startswith(name.removeprefix("kube-"))), None)
    if service is None:
        return advice(f"restart the process that serves {certificate.served_at} on {certificate.host}")
    return call("restart", f"restart {service}, so that it loads the file", service=service, host=certificate.host)


SERVICES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def _usage(certificate: Certificate) -> Iterator[Candidate]:
    if not certificate.missing_usages:
        return
    yield _candidate(
        certificate,
        "cert.wrong-usage",
        Severity.CRITICAL,
        f"cannot be used as a {' and '.join(certificate.missing_usages)} certificate",
        "Its extended key usage does not allow this use, so peers refuse the connection.",
        _reissue(certificate),
    )


def _names(certificate: Certificate) -> Iterator[Candidate]:
    if not certificate.missing_names:
        return
    yield _candidate(
        certificate,
        "cert.san-missing",
        Severity.CRITICAL,
        f"lacks these names: {', '.join(certificate.missing_names)}",
        "Clients that use this name refuse the certificate; behind a VIP this shows only at the next failover.",
        _reissue(certificate),
    )


def _differing_material(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """CAs and service-account keys are the same wherever they are used; there are two while one is replaced."""
    for what, by_host in shared_material(snapshot):
        fingerprints = {host: frozenset(prints) for host, prints in by_host.items()}
        if len(set(fingerprints.values())) < 2:
            continue
        common = frozenset.intersection(*fingerprints.values())
        odd = " and ".join(_odd_hosts(snapshot).get(what, ()))
        yield Candidate(
            Finding(
                "cert.wrong-ca",
                Severity.WARNING if common else Severity.CRITICAL,
                what,
                f"the {what} differs between hosts"
                + ("; one is on all hosts" if common else f": most hosts agree, except {odd}" if odd else ""),
                "A host refuses certificates and tokens that were signed with another host's CA or key."
                + (" All hosts have one CA or key in common, as in the middle of a rotation." if common else ""),
                tuple(f"{host}: SHA-256 {' and '.join(one[:16] for one in by_host[host])}" for host in by_host),
                (call("rotate-certs", "resume the rotation", ca="yes"),)
                if common
                else (
                    advice(
                        "on the host with the wrong CA or key: rename the files of that CA or key as a "
                        "backup, then run bootstrap"
                    ),
                    call("bootstrap", "copy the right files to hosts that have none"),
                ),
            )
        )


def _odd_hosts(snapshot: ClusterSnapshot) -> dict[str, tuple[str, ...]]:
    """By CA or kind of key: the hosts that have another one than most hosts."""
    odd: dict[str, tuple[str, ...]] = {}
    for what, by_host in shared_material(snapshot):
        usual, count = Counter(map(frozenset, by_host.values())).most_common(1)[0]
        if 2 * count > len(by_host) > count:
            odd[what] = tuple(host for host, prints in by_host.items() if frozenset(prints) != usual)
    return odd


def _open_rotation(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """The new CA is kept beside the current one until the end of a rotation."""
    cas = tuple(one for facts in snapshot.hosts for one in value_of(facts.certificates) or () if one.is_ca)
    for role in sorted({one.role.removesuffix(NEXT) for one in cas if one.role.endswith(NEXT)}):
        following = tuple(one for one in cas if one.role == role + NEXT)
        new = {one.fingerprint for one in following}
        bundles: dict[str, set[str]] = {}
        for one in cas:
            if one.role == role:
                bundles.setdefault(one.host, set()).add(one.fingerprint)
        is_dropped = any(prints <= new for prints in bundles.values())
        yield _unfinished(role, sorted({one.host for one in following}), is_dropped=is_dropped)


def _unfinished(role: str, hosts: list[str], *, is_dropped: bool) -> Candidate:
    resume = call("rotate-certs", "resume the rotation", ca="yes")
    undo = call("rotate-certs", "undo the rotation", ca="yes", back="yes")
    end = (
        "The old CA is already removed on some host, so the rotation can only be finished."
        if is_dropped
        else "The new CA is installed beside the current one. The rotation can be undone until its last phase."
    )
    return Candidate(
        Finding(
            "cert.ca-rotation-open",
            Severity.INFO,
            role,
            f"a rotation of {role} is unfinished",
            end,
            (f"the new CA is on {', '.join(hosts)}",),
            (resume,) if is_dropped else (resume, undo),
        )
    )


NEXT = "-next"


def shared_material(snapshot: ClusterSnapshot) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    """Values that must not differ: each CA by its role and the service-account keys, with every host's fingerprints."""
    material: dict[str, dict[str, list[str]]] = {}
    for facts in snapshot.hosts:
        for certificate in value_of(facts.certificates) or ():
            if certificate.is_ca:
                material.setdefault(certificate.role, {}).setdefault(facts.host, []).append(certificate.fingerprint)
        for keys in facts.token_keys:
            kind = "service-account signing key" if keys.private else "service-account public keys"
            material.setdefault(kind, {}).setdefault(facts.host, []).extend(keys.fingerprints)
    for what, by_host in sorted(material.items()):
        yield what, {host: tuple(dict.fromkeys(prints)) for host, prints in by_host.items()}


def _candidate(
    certificate: Certificate, code: str, severity: Severity, what: str, why: str, *remedies: Remedy
) -> Candidate:
    subject = f"{certificate.host}:{certificate.path}"
    evidence = (f"subject {certificate.subject}", f"not after {certificate.not_after:%Y-%m-%d %H:%M}Z")
    return Candidate(
        Finding(code, severity, subject, f"{certificate.role} on {certificate.host} {what}", why, evidence, remedies),
        (("host.clock-skew", certificate.host),) if code in BY_CLOCK else (),
    )
