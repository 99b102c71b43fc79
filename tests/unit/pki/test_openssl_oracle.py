"""Generated certificates are read as openssl reads them: serial, times, fingerprint, CA flag, names.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many are generated, and which.
"""

from __future__ import annotations

import ipaddress
import os
import random
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from haconsole.pki.inspect import inspect
from haconsole.pki.names import is_named

EXAMPLES = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "40"))
SEED = int(os.environ.get("HACONSOLE_ORACLE_SEED", "1"))
OPENSSL = shutil.which("openssl")
NAMES = (
    *("api.example.org", "*.example.org", "*.K8S.example.org", "cp1", "localhost", "a.b.example.org"),
    *("xn--bcher-kva.example", "10.5.0.1", "10.5.0.100", "2001:db8::1", "fd00::a"),
)
QUESTIONS = (
    *("api.example.org", "API.Example.org", "example.org", "a.b.example.org", "b.k8s.example.org", "cp1", "CP1"),
    *("localhost", "x.localhost", "xn--bcher-kva.example", "10.5.0.1", "10.5.0.100", "2001:db8::1", "fd00::a"),
)


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def certificate(pick: random.Random) -> bytes:
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=pick.randrange(10**7))
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, pick.choice(("kube-apiserver", "ü,=\\ 1")))])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key().public_key())
        .serial_number(pick.randrange(1, 2**159))
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=pick.randrange(1, 40000)))
    )
    if pick.random() < 0.8:
        names = pick.sample(NAMES, pick.randrange(1, 6))
        builder = builder.add_extension(x509.SubjectAlternativeName(map(general_name, names)), critical=False)
    if pick.random() < 0.5:
        is_ca = pick.random() < 0.5
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    return builder.sign(key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def openssl(pem: bytes, *words: str) -> str:
    result = subprocess.run((OPENSSL or "", "x509", "-noout", *words), input=pem, capture_output=True, check=True)
    return result.stdout.decode()


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
def test_generated_certificates_are_read_as_openssl_does() -> None:
    for seed in range(SEED, SEED + EXAMPLES):
        pem = certificate(random.Random(seed))
        (ours,) = inspect(pem)
        text = openssl(pem, "-serial", "-dates", "-dateopt", "iso_8601", "-fingerprint", "-sha256")
        values = dict(line.split("=", 1) for line in text.splitlines())
        assert int(values["serial"], 16) == int(ours.serial, 16)
        assert values["notBefore"] == f"{ours.not_before:%Y-%m-%d %H:%M:%SZ}"
        assert values["notAfter"] == f"{ours.not_after:%Y-%m-%d %H:%M:%SZ}"
        assert values["sha256 Fingerprint"].replace(":", "").lower() == ours.fingerprint
        assert ("CA:TRUE" in openssl(pem, "-ext", "basicConstraints")) == ours.is_ca


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
@pytest.mark.thorough
def test_generated_certificates_cover_the_names_that_openssl_accepts() -> None:
    """Without subject names openssl takes the common name, which neither Go nor this program does."""
    for seed in range(SEED, SEED + EXAMPLES // 4):
        pem = certificate(random.Random(seed))
        (ours,) = inspect(pem)
        if not ours.sans:
            continue
        for name in QUESTIONS:
            is_address = isinstance(general_name(name), x509.IPAddress)
            answer = openssl(pem, "-checkip" if is_address else "-checkhost", name)
            san = f"IP:{name}" if is_address else f"DNS:{name}"
            assert is_named(san, ours.sans) == bool(re.search(r"does match", answer)), (seed, name, ours.sans)
