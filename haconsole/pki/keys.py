"""Private keys: generated here in memory, or on a host by openssl; none of them ever prints itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.model.secret import Secret
from haconsole.pki.errors import PkiError

SigningKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PLAIN_FORM = serialization.PrivateFormat.TraditionalOpenSSL
"""SEC 1 and PKCS #1, as kubeadm writes keys: a joining kubeadm rejects an uploaded ECDSA key in PKCS #8."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key as PEM (`PLAIN_FORM`, not encrypted), in memory only."""

    pem: bytes = field(repr=False)

    def load(self) -> SigningKey:
        try:
            key = serialization.load_pem_private_key(self.pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise PkiError("the private key cannot be read", hint="it must be an unencrypted PEM file") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise PkiError(f"a private key of kind {type(key).__name__} cannot be used", hint="use ECDSA or RSA")
        return key

    def public_pem(self) -> bytes:
        """The public half (PEM, SubjectPublicKeyInfo)."""
        return public_pem(self.load().public_key())


def encrypted(key: PrivateKey, passphrase: Secret) -> bytes:
    """The key as PEM (PKCS #8), encrypted with `passphrase`; openssl-pkey(1) reads it too."""
    how = serialization.BestAvailableEncryption(passphrase.reveal().encode())
    return key.load().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def decrypted(pem: bytes, passphrase: Secret) -> PrivateKey:
    """The key in what `encrypted` made; raises PkiError for another passphrase."""
    try:
        key = serialization.load_pem_private_key(pem, password=passphrase.reveal().encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PkiError(
            "the passphrase does not open the CA's key", hint="enter the passphrase that encrypted this key"
        ) from error
    return PrivateKey(key.private_bytes(serialization.Encoding.PEM, PLAIN_FORM, serialization.NoEncryption()))


class KeyPair(msgspec.Struct, frozen=True):
    """Both halves of a key, for signing tokens."""

    private: PrivateKey
    public: bytes


def make_private_key(algorithm: KeyAlgorithm) -> PrivateKey:
    """A new key from the system's randomness."""
    match algorithm:
        case KeyAlgorithm.ECDSA_P256:
            key: SigningKey = ec.generate_private_key(ec.SECP256R1())
        case KeyAlgorithm.RSA_2048:
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case KeyAlgorithm.RSA_4096:
            key = rsa.generate_private_key(public_exponent=65537, key_size=4096)
        case _:
            assert_never(algorithm)
    return PrivateKey(key.private_bytes(serialization.Encoding.PEM, PLAIN_FORM, serialization.NoEncryption()))


def make_token_keys() -> KeyPair:
    """A new pair for service-account tokens: RSA 2048, which every API server signs and checks with (RS256)."""
    private = make_private_key(KeyAlgorithm.RSA_2048)
    return KeyPair(private, private.public_pem())


def key_command(algorithm: KeyAlgorithm, path: str) -> tuple[str, ...]:
    """The command that generates a key in the file `path` of a host (openssl-ecparam(1)); umask is the caller's.

    ECDSA keys are in SEC 1, RSA keys in the form of the host's openssl: kubeadm reads an RSA key in each.
    """
    match algorithm:
        case KeyAlgorithm.ECDSA_P256:
            return ("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
        case KeyAlgorithm.RSA_2048:
            bits = 2048
        case KeyAlgorithm.RSA_4096:
            bits = 4096
        case _:
            assert_never(algorithm)
    return ("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", "-out", path)


def algorithm_of(key: object) -> KeyAlgorithm | None:
    """Which of the inventory's algorithms a public key is of; None when of none."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return KeyAlgorithm.ECDSA_P256 if isinstance(key.curve, ec.SECP256R1) else None
    if isinstance(key, rsa.RSAPublicKey):
        return {2048: KeyAlgorithm.RSA_2048, 4096: KeyAlgorithm.RSA_4096}.get(key.key_size)
    return None


def public_pem(key: PublicKey) -> bytes:
    """A public key as PEM, the form `openssl pkey -pubout` prints."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_public_key(pem: bytes) -> PublicKey:
    """Parse what `openssl pkey -pubout` printed."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PkiError("the public key cannot be read", hint="it must be PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise PkiError(f"a public key of kind {type(key).__name__} cannot be used", hint="use ECDSA or RSA")
    return key


def same_public_key(one: bytes, other: bytes) -> bool:
    """Whether two PEM public keys are one key, whatever their encoding."""
    return public_pem(load_public_key(one)) == public_pem(load_public_key(other))
