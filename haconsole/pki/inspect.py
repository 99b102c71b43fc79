"""Certificates as facts: their content, and whether they belong to a key and to a CA. Nothing is refused here."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID

from haconsole.pki.bundle import fingerprint
from haconsole.pki.leaf import USAGES
from haconsole.pki.names import sans_of

_BEGIN_KEY, _END_KEY = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Inspected:
    """One certificate read. `serial` in lower-case hexadecimal, times aware in UTC, `public_key` as DER."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    sans: tuple[str, ...]
    fingerprint: str
    is_ca: bool
    public_key: bytes
    x509: x509.Certificate = field(repr=False, compare=False)
    names_known: bool = True
    """False if the extensions cannot be read, so that `sans` is empty without meaning."""
    usages: tuple[str, ...] | None = None
    """``server`` and ``client``, as the extended key usage allows them; None where nothing limits them."""


def inspect(pem: bytes) -> tuple[Inspected, ...]:
    """Every certificate in a PEM text that can be read, in its order; none where there is none."""
    certificates = (_read(part.partition(_END)[0]) for part in pem.split(_BEGIN)[1:])
    return tuple(one for one in certificates if one)


def public_key_der(pem: bytes) -> bytes | None:
    """A public key as openssl prints it, in the form of `Inspected.public_key`; None when it cannot be read."""
    try:
        key = serialization.load_pem_public_key(pem)
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    except Exception:
        return None


def public_keys(pem: str) -> tuple[bytes, ...]:
    """Every public key in a PEM text that can be read, in its order, as DER."""
    parts = (part.partition(_END_KEY)[0] for part in pem.split(_BEGIN_KEY)[1:])
    keys = (public_key_der("\n".join((_BEGIN_KEY, part.strip(), _END_KEY)).encode()) for part in parts)
    return tuple(key for key in keys if key)


def issuer_among(chain: tuple[Inspected, ...], authorities: tuple[Inspected, ...]) -> Inspected | None:
    """The one of `authorities` that signed the first of `chain`, directly or through the rest of it; None if none did.

    Only signatures and names are compared, not time: an expired certificate is another problem.
    """
    if not chain:
        return None
    leaf, *between = chain
    direct = next((authority for authority in authorities if _issued(leaf, authority)), None)
    if direct is not None:
        return direct
    further = (
        issuer_among((issuer, *(one for one in between if one is not issuer)), authorities)
        for issuer in between
        if _issued(leaf, issuer)
    )
    return next((authority for authority in further if authority), None)


def _issued(one: Inspected, by: Inspected) -> bool:
    try:
        one.x509.verify_directly_issued_by(by.x509)
    except Exception:
        return False
    return True


def _read(body: bytes) -> Inspected | None:
    pem = b"\n".join((_BEGIN, body.strip(), _END))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return _fields_of(x509.load_pem_x509_certificate(pem))
    except Exception:
        # A malformed certificate raises errors of many kinds (DuplicateExtension, InvalidVersion, ValueError).
        return None


def _fields_of(certificate: x509.Certificate) -> Inspected:
    names = _names(certificate)
    return Inspected(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        sans=names or (),
        fingerprint=fingerprint(certificate),
        is_ca=_is_ca(certificate),
        public_key=certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        x509=certificate,
        names_known=names is not None,
        usages=_usages(certificate),
    )


def _usages(certificate: x509.Certificate) -> tuple[str, ...] | None:
    try:
        allowed = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except Exception:
        return None
    if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in allowed:
        return None
    return tuple(name for name, usage in USAGES.items() if usage in allowed)


def _names(certificate: x509.Certificate) -> tuple[str, ...] | None:
    """The DNS names and addresses; None if the extensions cannot be read."""
    try:
        return sans_of(certificate)
    except Exception:
        return None


def _is_ca(certificate: x509.Certificate) -> bool:
    """Whether the certificate is a CA's; False if the extensions cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except Exception:
        return False
