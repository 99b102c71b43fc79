"""CAs and leaves as openssl sees them, and the comparison of a leaf with its request."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.pki.authority import Authority, authority_problems, load_authority, make_authority
from haconsole.pki.bundle import bundle, fingerprint_of, load_certificate, load_certificates
from haconsole.pki.errors import PkiError
from haconsole.pki.keys import PrivateKey, make_private_key
from haconsole.pki.leaf import Leaf, leaf_problems, read_request, sign_leaf
from tests.unit.pki.conftest import Openssl

LEAF = Leaf(
    "etcd-cp1", ("system:masters",), ("DNS:cp1", "IP:10.99.0.11", "IP:127.0.0.1", "IP:fd00::11"), ("server", "client")
)
ECDSA = KeyAlgorithm.ECDSA_P256


def authority(now: datetime, algorithm: KeyAlgorithm = ECDSA, days: int = 3650) -> Authority:
    return make_authority("lab-ca", algorithm=algorithm, days=days, now=now)


def leaf(ca: Authority, now: datetime, leaf: Leaf = LEAF, *, days: int = 365) -> tuple[bytes, PrivateKey]:
    key = make_private_key(ECDSA)
    return sign_leaf(ca, leaf, key.load().public_key(), days=days, now=now), key


@pytest.mark.parametrize("algorithm", [ECDSA, KeyAlgorithm.RSA_2048])
def test_openssl_verifies_the_chain_for_both_usages(openssl: Openssl, now: datetime, algorithm: KeyAlgorithm) -> None:
    ca = authority(now, algorithm)
    signed, _ = leaf(ca, now)
    for purpose in ("sslserver", "sslclient"):
        message = openssl(
            "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca", "leaf", ca=ca.certificate, leaf=signed
        )
        assert message == "leaf: OK\n"


def test_openssl_reads_the_requested_fields(openssl: Openssl, now: datetime) -> None:
    signed, _ = leaf(authority(now), now)
    text = openssl("x509", "-in", "leaf", "-noout", "-text", leaf=signed)
    assert "Subject: O = system:masters, CN = etcd-cp1" in text
    assert "DNS:cp1, IP Address:10.99.0.11, IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:0:11" in text
    assert "TLS Web Server Authentication, TLS Web Client Authentication" in text
    assert "CA:FALSE" in text
    assert "X509v3 Subject Key Identifier" in text
    assert "X509v3 Authority Key Identifier" in text


def test_a_client_leaf_is_no_server(now: datetime, tmp_path: Path) -> None:
    ca = authority(now)
    signed, _ = leaf(ca, now, Leaf("admin", usages=("client",)))
    (tmp_path / "ca").write_bytes(ca.certificate)
    (tmp_path / "leaf").write_bytes(signed)
    requests = ["openssl", "verify", "-purpose", "sslserver", "-CAfile", "ca", "leaf"]
    result = subprocess.run(requests, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode != 0
    assert "purpose" in result.stderr


def test_validity_is_back_dated_and_never_outlives_the_ca(now: datetime) -> None:
    ca = authority(now, days=10)
    signed, _ = leaf(ca, now)
    certificate = load_certificate(signed)
    assert certificate.not_valid_before_utc == now.replace(microsecond=0) - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == load_certificate(ca.certificate).not_valid_after_utc


def test_serials_differ(now: datetime) -> None:
    ca = authority(now)
    serials = {load_certificate(leaf(ca, now)[0]).serial_number for _ in range(3)}
    assert len(serials) == 3


def test_a_request_made_by_openssl_is_signed(openssl: Openssl, now: datetime, tmp_path: Path) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key")
    openssl("req", "-new", "-key", "key", "-subj", "/CN=cp1", "-out", "csr")
    public = read_request((tmp_path / "csr").read_bytes(), algorithm=ECDSA)
    ca = authority(now)
    signed = sign_leaf(ca, LEAF, public, days=365, now=now)
    printed = openssl("pkey", "-in", "key", "-pubout").encode()
    assert leaf_problems(signed, LEAF, authority=ca.certificate, public_key=printed, now=now) == ()


def test_a_request_with_another_kind_of_key_is_refused(openssl: Openssl, tmp_path: Path) -> None:
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-subj", "/CN=cp1", "-out", "csr")
    with pytest.raises(PkiError, match="another key type than ecdsa-p256"):
        read_request((tmp_path / "csr").read_bytes(), algorithm=ECDSA)


def test_a_tampered_request_is_refused(openssl: Openssl, tmp_path: Path) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key")
    openssl("req", "-new", "-key", "key", "-subj", "/CN=cp1", "-outform", "DER", "-out", "csr")
    forged = (tmp_path / "csr").read_bytes().replace(b"cp1", b"cp2")
    openssl("req", "-inform", "DER", "-in", "forged", "-out", "pem", "-outform", "PEM", forged=forged)
    with pytest.raises(PkiError, match="not signed by its own key"):
        read_request((tmp_path / "pem").read_bytes(), algorithm=ECDSA)


def test_what_is_no_request_is_refused() -> None:
    with pytest.raises(PkiError, match="no readable certificate request"):
        read_request(b"nonsense", algorithm=ECDSA)


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (replace(LEAF, common_name="etcd-cp2"), "its subject is CN=etcd-cp1,O=system:masters, not CN=etcd-cp2"),
        (replace(LEAF, organizations=()), "its subject is CN=etcd-cp1,O=system:masters, not CN=etcd-cp1"),
        (replace(LEAF, sans=(*LEAF.sans, "IP:10.99.0.100")), "it lacks these names: IP:10.99.0.100"),
        (replace(LEAF, sans=LEAF.sans[1:]), "it also names DNS:cp1"),
    ],
)
def test_differences_are_named(now: datetime, target: Leaf, problem: str) -> None:
    ca = authority(now)
    signed, key = leaf(ca, now)
    result = leaf_problems(signed, target, authority=ca.certificate, public_key=key.public_pem(), now=now)
    assert len(result) == 1
    assert result[0].startswith(problem)


def test_a_missing_usage_is_named(now: datetime) -> None:
    ca = authority(now)
    signed, key = leaf(ca, now, replace(LEAF, usages=("client",)))
    result = leaf_problems(signed, LEAF, authority=ca.certificate, public_key=key.public_pem(), now=now)
    assert result == ("its usage does not include server",)


def test_another_ca_of_the_same_name_and_another_key_are_named(now: datetime) -> None:
    ca, stranger = authority(now), authority(now)
    signed, key = leaf(ca, now)
    other = make_private_key(ECDSA).public_pem()
    assert leaf_problems(signed, LEAF, authority=stranger.certificate, public_key=key.public_pem(), now=now) == (
        "it was not signed by the CA in use, CN=lab-ca",
    )
    assert leaf_problems(signed, LEAF, authority=ca.certificate, public_key=other, now=now) == (
        "the key file beside the certificate does not match it",
    )


@pytest.mark.parametrize(
    ("days", "later", "problem"),
    [
        (365, timedelta(days=300), None),
        (365, timedelta(days=336), "it is due for renewal"),
        (365, timedelta(days=366), "it expired at"),
        (9, timedelta(days=5), None),
        (9, timedelta(days=7), "it is due for renewal"),
        (365, -timedelta(minutes=6), "it is not valid before"),
    ],
)
def test_time_is_judged(now: datetime, days: int, later: timedelta, problem: str | None) -> None:
    ca = authority(now)
    signed, key = leaf(ca, now, days=days)
    result = leaf_problems(signed, LEAF, authority=ca.certificate, public_key=key.public_pem(), now=now + later)
    assert [one[: len(problem or "")] for one in result] == ([problem] if problem else [])


def test_a_ca_found_on_a_host_is_loaded_only_with_its_own_key_and_in_time(now: datetime) -> None:
    ca, stranger = authority(now), authority(now)
    assert load_authority(ca.certificate, ca.key, now=now) == ca
    with pytest.raises(PkiError, match="the key file beside the certificate does not match it"):
        load_authority(ca.certificate, stranger.key, now=now)
    with pytest.raises(PkiError, match="it expired at"):
        load_authority(ca.certificate, ca.key, now=now + timedelta(days=3651))


def test_a_leaf_is_no_ca(now: datetime) -> None:
    signed, _ = leaf(authority(now), now)
    assert authority_problems(signed, now=now) == ("it is not a CA certificate",)


def test_a_bundle_holds_each_certificate_once(now: datetime) -> None:
    one, other = authority(now), authority(now)
    joined = bundle(one.certificate, other.certificate, b"a comment\n" + one.certificate)
    assert len(load_certificates(joined)) == 2
    assert fingerprint_of(joined) == one.fingerprint


def test_the_fingerprint_is_openssls(openssl: Openssl, now: datetime) -> None:
    ca = authority(now)
    message = openssl("x509", "-in", "ca", "-noout", "-fingerprint", "-sha256", ca=ca.certificate)
    assert message.strip().split("=")[1].replace(":", "").lower() == ca.fingerprint


def test_a_ca_without_key_identifier_can_sign(openssl: Openssl, now: datetime, tmp_path: Path) -> None:
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key"),
        *("-out", "crt", "-days", "9", "-subj", "/CN=old", "-addext", "subjectKeyIdentifier=none"),
    )
    then = now + timedelta(minutes=1)
    ca = load_authority((tmp_path / "crt").read_bytes(), PrivateKey((tmp_path / "key").read_bytes()), now=then)
    signed, key = leaf(ca, then)
    assert leaf_problems(signed, LEAF, authority=ca.certificate, public_key=key.public_pem(), now=then) == ()
    assert openssl("verify", "-CAfile", "crt", "leaf", leaf=signed) == "leaf: OK\n"
