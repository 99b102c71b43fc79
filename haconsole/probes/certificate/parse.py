"""Every certificate of a host as a fact: its content, its key, its CA, and the one that its process presents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address

import msgspec
from msgspec.structs import replace

from haconsole.configs.certificate_files import CertificateFile
from haconsole.inventory.effective import endpoint, watched_vips
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.certificate import Certificate, TokenKeys
from haconsole.model.names import HostName
from haconsole.pki.inspect import Inspected, inspect, issuer_among, public_key_der, public_keys
from haconsole.pki.names import is_named
from haconsole.probes.certificate.paths import files_to_read
from haconsole.probes.certificate.reader_script import HostCertificates, KeySeen

_CLIENTS = ("admin", "super-admin", "controller-manager", "scheduler", "kubelet")
_KEY_FOR_OTHERS = 0o077


class Surroundings(msgspec.Struct, frozen=True):
    """The references for a host's certificates: `names` must be in the certificate of a role; `served_by_port` is by
    port.
    """

    host: HostName
    now: datetime
    names: dict[str, tuple[str, ...]]
    served_by_port: dict[int, tuple[str, str]]


def names_to_serve(inventory: Inventory, host: Host) -> dict[str, tuple[str, ...]]:
    """The names that clients use, by the role of the certificate that must hold them."""
    api = [host.address, *watched_vips(inventory)]
    balanced_endpoint = endpoint(inventory)
    if balanced_endpoint:
        api.append(balanced_endpoint[0])
    own = (_san(host.address),)
    return {"etcd-server": own, "etcd-peer": own, "apiserver": tuple(dict.fromkeys(map(_san, api)))}


def certificates(
    layout: tuple[CertificateFile, ...], report: HostCertificates, around: Surroundings
) -> tuple[tuple[Certificate, ...], tuple[str, ...]]:
    """The certificates that could be read, and a sentence about each file that is missing or cannot be."""
    result: list[Certificate] = []
    notes: list[str] = []
    for file in files_to_read(layout, report):
        read = tuple(_of_file(file, report, around))
        result += read
        if not read and not file.optional:
            notes.append(_absence(file, report))
    if report.without_openssl:
        notes.append("openssl is not installed: neither keys nor served certificates could be compared")
    return tuple(result), tuple(notes)


def _absence(file: CertificateFile, report: HostCertificates) -> str:
    kubeconfig = report.kubeconfigs.get(file.cert)
    if kubeconfig and kubeconfig.parts.problem:
        return f"{file.role}: {file.cert} cannot be used: {kubeconfig.parts.problem}"
    there = file.cert in report.certs or kubeconfig is not None
    return f"{file.role}: {file.cert} " + ("contains no certificate that can be read" if there else "does not exist")


def _of_file(file: CertificateFile, report: HostCertificates, around: Surroundings) -> Iterator[Certificate]:
    """A leaf's first certificate; every certificate of a CA file, which holds two while a CA is replaced.

    Of a kubeconfig the CA that it holds comes first, then the leaf if it holds that too.
    """
    if file.kubeconfig and file.cert in report.kubeconfigs:
        yield from _embedded_authority(file, report, around)
    chain = inspect(_pem(file, report).encode())
    if not chain:
        return
    key = _key(file, report)
    of_key = next((one for one in chain if key and _matches(one, key)), chain[0])
    for one in chain if chain[0].is_ca else chain[:1]:
        plain = _with_chain_check(_certificate(file, one, around), chain, file, report)
        certificate = _with_key(plain, one, key) if key and one is of_key else plain
        yield replace(certificate, problem=next(_problems(certificate, file.ca, around), None))


def _with_chain_check(
    certificate: Certificate, chain: tuple[Inspected, ...], file: CertificateFile, report: HostCertificates
) -> Certificate:
    """Unjudged where the CA's file is not on this host; its own absence is reported where the host should have it.

    A CA that a kubeconfig names must be among those in use.
    """
    if file.ca not in report.certs:
        return certificate
    used = inspect(report.certs[file.ca].encode())
    if certificate.is_ca:
        return replace(certificate, chain_ok=certificate.fingerprint in {one.fingerprint for one in used})
    issuer = issuer_among(chain, used)
    return replace(certificate, chain_ok=issuer is not None, issued_by=issuer.fingerprint if issuer else None)


def _embedded_authority(file: CertificateFile, report: HostCertificates, around: Surroundings) -> Iterator[Certificate]:
    """The CA inside a kubeconfig, which must be among those in use."""
    used = {one.fingerprint for one in inspect(report.certs.get(file.ca or "", "").encode())}
    ca_file = replace(file, role=f"{file.role}-ca", port=None)
    for one in inspect(report.kubeconfigs[file.cert].parts.ca_pem.encode()):
        authority = replace(_certificate(ca_file, one, around), chain_ok=one.fingerprint in used if used else None)
        yield replace(authority, problem=next(_problems(authority, file.ca, around), None))


def token_keys(report: HostCertificates) -> tuple[TokenKeys, ...]:
    """The service-account keys that were read, by their fingerprints."""
    return tuple(
        TokenKeys(
            path, token.mode, token.private, tuple(sha256(key).hexdigest() for key in public_keys(token.public_pem))
        )
        for path, token in report.tokens.items()
    )


def _pem(file: CertificateFile, report: HostCertificates) -> str:
    if file.kubeconfig:
        kubeconfig = report.kubeconfigs.get(file.cert)
        return kubeconfig.parts.cert_pem if kubeconfig else ""
    return report.certs.get(file.cert, "")


def _certificate(file: CertificateFile, one: Inspected, around: Surroundings) -> Certificate:
    where, pem = around.served_by_port.get(file.port or 0, (None, ""))
    presented = inspect(pem.encode())[:1]
    return Certificate(
        host=around.host,
        path=file.cert,
        role=file.role,
        subject=one.subject,
        issuer=one.issuer,
        serial=one.serial,
        not_before=one.not_before,
        not_after=one.not_after,
        sans=one.sans,
        fingerprint=one.fingerprint,
        is_ca=one.is_ca,
        served_at=where if presented else None,
        served_fingerprint=presented[0].fingerprint if presented else None,
        in_kubeconfig=file.kubeconfig,
        missing_names=_missing_names(file, one, around),
        missing_usages=_missing_usages(file, one),
    )


def _missing_usages(file: CertificateFile, one: Inspected) -> tuple[str, ...]:
    """An etcd member is its peers' server and client; otherwise the end of a role's name is its use."""
    if one.is_ca or one.usages is None:
        return ()
    needed = {usage: None for role in (file.role, *file.other_roles) for usage in _usages_of(role)}
    return tuple(usage for usage in needed if usage not in (one.usages or ()))


def _usages_of(role: str) -> tuple[str, ...]:
    if role == "etcd-peer":
        return ("server", "client")
    if role == "apiserver" or role.endswith("-server"):
        return ("server",)
    return ("client",) if role in _CLIENTS or role.endswith("-client") else ()


def _missing_names(file: CertificateFile, one: Inspected, around: Surroundings) -> tuple[str, ...]:
    """The names that the certificate lacks for its uses; none where its names cannot be read."""
    if not one.names_known:
        return ()
    needed = (name for role in (file.role, *file.other_roles) for name in around.names.get(role, ()))
    return tuple(name for name in dict.fromkeys(needed) if not is_named(name, one.sans))


def _key(file: CertificateFile, report: HostCertificates) -> KeySeen | None:
    if file.kubeconfig:
        kubeconfig = report.kubeconfigs[file.cert]
        return KeySeen(file.cert, kubeconfig.mode, kubeconfig.parts.public_pem)
    return report.keys.get(file.key) if file.key else None


def _with_key(certificate: Certificate, one: Inspected, key: KeySeen) -> Certificate:
    return replace(certificate, key_path=key.path, key_mode=key.mode, key_matches=_matches(one, key))


def _matches(one: Inspected, key: KeySeen) -> bool | None:
    """None where openssl made no public key of the private one."""
    public = public_key_der(key.public_pem.encode())
    return None if public is None else public == one.public_key


def _problems(certificate: Certificate, ca: str | None, around: Surroundings) -> Iterator[str]:
    """The problems, the worst first."""
    if certificate.not_after <= around.now:
        yield f"expired at {certificate.not_after:%Y-%m-%d %H:%M} UTC"
    if certificate.not_before > around.now:
        yield f"is not valid before {certificate.not_before:%Y-%m-%d %H:%M} UTC"
    if certificate.key_matches is False:
        yield f"does not belong to the key {certificate.key_path}"
    if certificate.chain_ok is False:
        yield f"is not the CA in use, {ca}" if certificate.is_ca else f"was not signed by the CA in use, {ca}"
    if certificate.served_fingerprint not in (None, certificate.fingerprint):
        yield f"is not the certificate that {certificate.served_at} presents: restart the process to load the file"
    if certificate.missing_usages:
        yield f"cannot be used as a {' and '.join(certificate.missing_usages)} certificate"
    if certificate.missing_names:
        yield f"lacks these names: {', '.join(certificate.missing_names)}"
    if certificate.key_mode is not None and certificate.key_mode & _KEY_FOR_OTHERS:
        yield f"has a key that others may read (mode {certificate.key_mode:04o})"


def _san(host: str) -> str:
    try:
        return f"IP:{ip_address(host)}"
    except ValueError:
        return f"DNS:{host.lower()}"
