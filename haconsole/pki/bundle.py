"""Certificates as PEM text: one, several in a row, and their fingerprints."""

from __future__ import annotations

import warnings
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.utils import CryptographyDeprecationWarning

from haconsole.pki.errors import PkiError
from haconsole.pki.keys import PublicKey


def load_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Every certificate in a PEM file, at least one, in its order; text between them is ignored.

    kubeadm up to 1.25 gave its CAs the serial number 0, which the library warns about.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise PkiError("it contains no readable certificate", hint="it must be a PEM file") from error


def load_certificate(pem: bytes) -> x509.Certificate:
    """The first certificate in a PEM file."""
    return load_certificates(pem)[0]


def certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def public_key_of(certificate: x509.Certificate) -> PublicKey:
    """The key a certificate is for."""
    key = certificate.public_key()
    if not isinstance(key, PublicKey):
        raise PkiError(f"a certificate for a key of kind {type(key).__name__} cannot be used", hint="use ECDSA or RSA")
    return key


def bundle(*pems: bytes) -> bytes:
    """Several PEM files as one trust bundle: each certificate once, in the given order."""
    by_fingerprint = {fingerprint(one): one for pem in pems for one in load_certificates(pem)}
    return b"".join(certificate_pem(one) for one in by_fingerprint.values())


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER form, in lower-case hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def fingerprint_of(pem: bytes) -> str:
    """Fingerprint of the first certificate in a PEM file."""
    return fingerprint(load_certificate(pem))


def key_hashes(pem: bytes) -> tuple[str, ...]:
    """``sha256:HEX`` of the public key (SubjectPublicKeyInfo) of each certificate, as kubeadm pins CAs."""
    forms = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    keys = (one.public_key().public_bytes(*forms) for one in load_certificates(pem))
    return tuple(f"sha256:{sha256(key).hexdigest()}" for key in keys)
