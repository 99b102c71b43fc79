"""Keys: their kinds, their silence, and the ones openssl makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.model.secret import Secret
from haconsole.pki.errors import PkiError
from haconsole.pki.keys import (
    PrivateKey,
    algorithm_of,
    decrypted,
    encrypted,
    key_command,
    load_public_key,
    make_private_key,
    make_token_keys,
    same_public_key,
)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048])
def test_a_key_is_of_the_requested_kind(algorithm: KeyAlgorithm) -> None:
    key = make_private_key(algorithm)
    assert algorithm_of(load_public_key(key.public_pem())) is algorithm


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048])
def test_the_command_for_hosts_makes_the_same_kind(algorithm: KeyAlgorithm, tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(key_command(algorithm, str(path)), check=True, capture_output=True)
    key = PrivateKey(path.read_bytes())
    printed = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, capture_output=True).stdout
    assert algorithm_of(load_public_key(printed)) is algorithm
    assert same_public_key(printed, key.public_pem())


def test_ecdsa_keys_have_the_form_that_a_joining_kubeadm_reads(tmp_path: Path) -> None:
    """kubeadm passes on CA keys and etcd's client pair; of ECDSA keys it reads SEC 1 only."""
    path = tmp_path / "key"
    subprocess.run(key_command(KeyAlgorithm.ECDSA_P256, str(path)), check=True, capture_output=True)
    key = make_private_key(KeyAlgorithm.ECDSA_P256)
    content = decrypted(encrypted(key, Secret("a passphrase")), Secret("a passphrase"))
    for pem in (path.read_bytes(), key.pem, content.pem):
        assert pem.startswith(b"-----BEGIN EC PRIVATE KEY-----")


def test_a_private_key_does_not_print_itself() -> None:
    pair = make_token_keys()
    body = pair.private.pem.splitlines()[1].decode()
    for output in (repr(pair), str(pair.private), f"{pair!r}"):
        assert body not in output
        assert "PRIVATE" not in output


def test_two_keys_differ() -> None:
    one, other = (make_private_key(KeyAlgorithm.ECDSA_P256).public_pem() for _ in range(2))
    assert not same_public_key(one, other)


def test_other_bytes_than_a_key_are_refused_with_a_message() -> None:
    with pytest.raises(PkiError, match="private key cannot be read"):
        PrivateKey(b"nonsense").load()
    with pytest.raises(PkiError, match="public key cannot be read"):
        load_public_key(b"nonsense")
