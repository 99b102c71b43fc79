"""Leaf certificates: signed for a request from a host, and compared with the desired ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.pki.authority import BACK_DATED, Authority, issuer_key
from haconsole.pki.bundle import certificate_pem, load_certificate, public_key_of
from haconsole.pki.errors import PkiError
from haconsole.pki.keys import PublicKey, algorithm_of, load_public_key, public_pem
from haconsole.pki.names import general_name, missing_sans, normal_san, sans_of

RENEW_BEFORE = timedelta(days=30)
USAGES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


class Leaf(msgspec.Struct, frozen=True):
    """A desired leaf. `usages` are ``server`` and ``client``; `sans` like ``DNS:cp1``, ``IP:10.0.0.1``."""

    common_name: str
    organizations: tuple[str, ...] = ()
    sans: tuple[str, ...] = ()
    usages: tuple[str, ...] = ("server", "client")


def read_request(pem: bytes, *, algorithm: KeyAlgorithm) -> PublicKey:
    """The public key of a certificate request (PKCS #10), after checking that its sender holds the private one."""
    try:
        request = x509.load_pem_x509_csr(pem)
    except ValueError as error:
        raise PkiError("it contains no readable certificate request", hint="check openssl's output") from error
    key = request.public_key()
    if not request.is_signature_valid:
        raise PkiError(
            "the certificate request is not signed by its own key",
            hint="generate a new key and a new certificate signing request",
        )
    if not isinstance(key, PublicKey) or algorithm_of(key) is not algorithm:
        raise PkiError(
            f"the certificate signing request has another key type than {algorithm}",
            hint="rename the key file and run again",
        )
    return key


def sign_leaf(authority: Authority, leaf: Leaf, key: PublicKey, *, days: int, now: datetime) -> bytes:
    """A certificate for `key` (PEM), valid from five minutes before `now` for `days` days but not beyond its CA."""
    ca = load_certificate(authority.certificate)
    start = now.replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(leaf))
        .issuer_name(ca.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACK_DATED)
        .not_valid_after(min(start + timedelta(days=days), ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(key), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_usage(usage) for usage in leaf.usages]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(issuer_key(ca), critical=False)
    )
    if leaf.sans:
        names = x509.SubjectAlternativeName([general_name(san) for san in dict.fromkeys(map(normal_san, leaf.sans))])
        builder = builder.add_extension(names, critical=False)
    return certificate_pem(builder.sign(authority.key.load(), hashes.SHA256()))


def leaf_problems(
    certificate: bytes, leaf: Leaf, *, authority: bytes, public_key: bytes, now: datetime
) -> tuple[str, ...]:
    """The differences between a certificate and the desired one; empty if there are none and it is not due.

    `authority` is the CA's certificate and `public_key` the public half of the key beside the certificate, all PEM. A
    certificate is due 30 days before its end, or in the last third of a shorter life.
    """
    parsed = load_certificate(certificate)
    return (
        *_name_problems(parsed, leaf),
        *_usage_problems(parsed, leaf),
        *_signature_problems(parsed, load_certificate(authority)),
        *_key_problems(parsed, public_key),
        *_time_problems(parsed, now),
    )


def due_at(not_before: datetime, not_after: datetime) -> datetime:
    """The time at which a certificate with that life should be renewed."""
    return not_after - min(RENEW_BEFORE, (not_after - not_before) / 3)


def _subject(leaf: Leaf) -> x509.Name:
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in leaf.organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name),
        ]
    )


def _usage(name: str) -> x509.ObjectIdentifier:
    if name not in USAGES:
        raise PkiError(f"{name!r} is not a usage of a certificate", hint="use server or client")
    return USAGES[name]


def _key_usage(key: PublicKey) -> x509.KeyUsage:
    """Signatures for every key, and key transport for RSA (RFC 5280, section 4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=isinstance(key, rsa.RSAPublicKey),
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name_problems(certificate: x509.Certificate, leaf: Leaf) -> tuple[str, ...]:
    problems: list[str] = []
    if certificate.subject != _subject(leaf):
        subject = _subject(leaf).rfc4514_string()
        problems.append(f"its subject is {certificate.subject.rfc4514_string() or 'empty'}, not {subject}")
    missing = missing_sans(leaf.sans, sans_of(certificate))
    if missing:
        problems.append(f"it lacks these names: {', '.join(missing)}")
    surplus = missing_sans(sans_of(certificate), leaf.sans)
    if surplus:
        problems.append(f"it also names {', '.join(surplus)}")
    return tuple(problems)


def _usage_problems(certificate: x509.Certificate, leaf: Leaf) -> tuple[str, ...]:
    try:
        present = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        present = set()
    missing = [usage for usage in leaf.usages if _usage(usage) not in present]
    return (f"its usage does not include {' and '.join(missing)}",) if missing else ()


def _signature_problems(certificate: x509.Certificate, ca: x509.Certificate) -> tuple[str, ...]:
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return (f"it was not signed by the CA in use, {ca.subject.rfc4514_string()}",)
    return ()


def _key_problems(certificate: x509.Certificate, public_key: bytes) -> tuple[str, ...]:
    if public_pem(public_key_of(certificate)) == public_pem(load_public_key(public_key)):
        return ()
    return ("the key file beside the certificate does not match it",)


def _time_problems(certificate: x509.Certificate, now: datetime) -> tuple[str, ...]:
    if now < certificate.not_valid_before_utc:
        return (f"it is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",)
    if now >= certificate.not_valid_after_utc:
        return (f"it expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",)
    if now >= due_at(certificate.not_valid_before_utc, certificate.not_valid_after_utc):
        return (f"it is due for renewal: it ends at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",)
    return ()
