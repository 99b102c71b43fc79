"""Certificate authorities: generated in memory, or loaded from hosts."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.pki.bundle import certificate_pem, fingerprint, load_certificate, public_key_of
from haconsole.pki.errors import PkiError
from haconsole.pki.keys import PrivateKey, make_private_key, public_pem

BACK_DATED = timedelta(minutes=5)
"""A certificate becomes valid this long before now, so that hosts whose clocks are slightly slow accept it."""


class Authority(msgspec.Struct, frozen=True):
    """A CA that can sign: its certificate (PEM) and its key."""

    certificate: bytes
    key: PrivateKey

    @property
    def fingerprint(self) -> str:
        return fingerprint(load_certificate(self.certificate))


def make_authority(
    common_name: str, *, algorithm: KeyAlgorithm, days: int, now: datetime, key: PrivateKey | None = None
) -> Authority:
    """A new self-signed CA, valid from five minutes before `now` for `days` days (RFC 5280, section 4.2).

    `key` is used if given, otherwise a new one of `algorithm` is generated.
    """
    key = key or make_private_key(algorithm)
    signer = key.load()
    public = signer.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    start = now.replace(microsecond=0)
    new_certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACK_DATED)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_ca_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Authority(certificate_pem(new_certificate), key)


def cross_certificate(by: Authority, of: bytes, *, now: datetime) -> bytes:
    """A certificate by which clients that trust the CA `by` also trust the CA `of` (PEM), while both are valid.

    Sent after a leaf that `of` signed it leads clients that trust only `by` to their root (RFC 5280, section 3.2).
    """
    other, own = load_certificate(of), load_certificate(by.certificate)
    public = public_key_of(other)
    start = now.replace(microsecond=0)
    new_certificate = (
        x509.CertificateBuilder()
        .subject_name(other.subject)
        .issuer_name(own.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACK_DATED)
        .not_valid_after(min(other.not_valid_after_utc, own.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_ca_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(issuer_key(own), critical=False)
    )
    return certificate_pem(new_certificate.sign(by.key.load(), hashes.SHA256()))


def issuer_key(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The CA's own key identifier if it has one, so that the chain is found by it."""
    try:
        identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key_of(ca))
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def load_authority(certificate: bytes, key: PrivateKey, *, now: datetime) -> Authority:
    """A CA found on hosts, refused unless it can sign now and the key is its own."""
    problems = authority_problems(certificate, now=now)
    if not problems and public_pem(public_key_of(load_certificate(certificate))) != key.public_pem():
        problems = ("the key file beside the certificate does not match it",)
    if problems:
        raise PkiError(
            f"the CA {short(certificate)} cannot sign: {'; '.join(problems)}", hint="replace it by a rotation of the CA"
        )
    return Authority(certificate, key)


def authority_problems(certificate: bytes, *, now: datetime) -> tuple[str, ...]:
    """The reasons why a certificate cannot serve as CA at `now`; empty when it can."""
    ca = load_certificate(certificate)
    problems: list[str] = []
    try:
        if not ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            problems.append("it is not a CA certificate")
    except x509.ExtensionNotFound:
        problems.append("it is not a CA certificate")
    if ca.not_valid_after_utc <= now:
        problems.append(f"it expired at {ca.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if ca.not_valid_before_utc > now:
        problems.append(f"it is not valid before {ca.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    return tuple(problems)


def short(certificate: bytes) -> str:
    """A short name of a CA for a person: its subject and the start of its fingerprint."""
    ca = load_certificate(certificate)
    return f"{ca.subject.rfc4514_string() or '(no name)'} (SHA-256 {fingerprint(ca)[:16]}…)"


def _ca_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
