"""Certificates read as facts, the strange ones of others included."""

from __future__ import annotations

import base64
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.pki.authority import Authority, make_authority
from haconsole.pki.inspect import inspect, issuer_among, public_key_der
from haconsole.pki.keys import make_private_key
from haconsole.pki.leaf import Leaf, sign_leaf

ODD = Path(__file__).parent / "odd"
"""Certificates that openssl prints, each with one part that no CA should write."""
NOW = datetime(2026, 3, 1, tzinfo=UTC)
P256 = KeyAlgorithm.ECDSA_P256


def authority(name: str) -> Authority:
    return make_authority(name, algorithm=P256, days=3650, now=NOW)


def test_the_fields_of_a_certificate() -> None:
    ca, key = authority("etcd-ca"), make_private_key(P256)
    leaf = Leaf("cp1", organizations=("system:masters",), sans=("DNS:CP1", "IP:10.99.0.11"))
    (result,) = inspect(sign_leaf(ca, leaf, key.load().public_key(), days=365, now=NOW))
    assert (result.subject, result.issuer) == ("CN=cp1,O=system:masters", "CN=etcd-ca")
    assert result.sans == ("DNS:cp1", "IP:10.99.0.11")
    assert result.not_after == NOW + timedelta(days=365)
    assert not result.is_ca
    assert result.public_key == public_key_der(key.public_pem())


def test_a_chain_is_followed_to_the_ca_in_use() -> None:
    ca, other = authority("ca"), authority("other")
    (leaf,) = inspect(sign_leaf(ca, Leaf("a"), make_private_key(P256).load().public_key(), days=9, now=NOW))
    (ours,), (theirs,) = inspect(ca.certificate), inspect(other.certificate)
    assert issuer_among((leaf,), (ours,)) == ours
    assert issuer_among((leaf,), (theirs, ours)) == ours
    assert issuer_among((leaf, ours), (ours,)) == ours
    assert issuer_among((leaf,), (theirs,)) is None
    assert issuer_among((leaf,), ()) is None
    assert issuer_among((), (ours,)) is None


def test_a_ca_of_the_same_name_with_another_key_does_not_verify() -> None:
    (leaf,) = inspect(
        sign_leaf(authority("ca"), Leaf("a"), make_private_key(P256).load().public_key(), days=9, now=NOW)
    )
    assert issuer_among((leaf,), inspect(authority("ca").certificate)) is None


def test_every_certificate_that_can_be_read_is(tmp_path: Path) -> None:
    one, two = authority("one").certificate, authority("two").certificate
    fault = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert [result.subject for result in inspect(b"text\n" + one + fault + b"# more\n" + two)] == ["CN=one", "CN=two"]
    assert inspect(b"") == inspect(b"-----BEGIN CERTIFICATE-----") == ()


def test_keys_of_kinds_that_are_not_made_here_are_read(tmp_path: Path) -> None:
    key, cert = tmp_path / "key", tmp_path / "cert"
    subprocess.run(("openssl", "genpkey", "-algorithm", "ed25519", "-out", key), check=True, capture_output=True)
    request = ("openssl", "req", "-x509", "-key", key, "-out", cert, "-subj", "/CN=x", "-days", "1")
    subprocess.run(request, check=True, capture_output=True)
    public = subprocess.run(("openssl", "pkey", "-in", key, "-pubout"), check=True, capture_output=True).stdout
    (result,) = inspect(cert.read_bytes())
    assert result.public_key == public_key_der(public)
    assert public_key_der(b"nothing") is None


@pytest.mark.parametrize("name", ["extension-twice", "x400-name"])
def test_a_certificate_with_odd_extensions_keeps_all_but_its_names(name: str) -> None:
    (result,) = inspect((ODD / f"{name}.crt").read_bytes())
    assert result.not_after.year == 2026
    assert (result.sans, result.names_known, result.is_ca) == ((), False, False)
    assert issuer_among((result,), inspect(authority("ca").certificate)) is None


def test_a_certificate_of_an_unknown_version_hides_no_other() -> None:
    ours = authority("ca").certificate
    assert [result.subject for result in inspect((ODD / "version-6.crt").read_bytes() + ours)] == ["CN=ca"]


_CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3), st.integers(0, 3)), max_size=6)
_CERTIFICATE = authority("mutated").certificate
_SEEDS = (_CERTIFICATE, *(path.read_bytes() for path in sorted(ODD.iterdir())))


@settings(max_examples=int(os.environ.get("HACONSOLE_EXAMPLES", "300")), deadline=None)
@given(st.sampled_from(_SEEDS), _CHANGES)
def test_a_damaged_certificate_raises_nothing_and_hides_no_other(
    seed: bytes, changes: list[tuple[float, bytes, int]]
) -> None:
    der = base64.b64decode("".join(seed.decode().splitlines()[1:-1]))
    for where, put, cut in changes:
        at = int(where * len(der))
        der = der[:at] + put + der[at + cut :]
    body = base64.encodebytes(der).decode()
    damaged = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n".encode()
    result = inspect(damaged + _CERTIFICATE)
    assert result[-1].subject == "CN=mutated"
    for one in result:
        issuer_among((one,), result)
