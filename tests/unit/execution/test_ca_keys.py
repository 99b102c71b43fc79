"""CA keys kept with the operator: encrypted here, on no host, opened by one passphrase, prompted for once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.operations import EnsureAuthority
from haconsole.execution.events import Outcome
from haconsole.execution.pki.ca_keys import PASSPHRASE_FD, OperatorKeys, keys_folder
from haconsole.inventory.schema import CaKeyPlace, KeyAlgorithm, Pki
from haconsole.model.secret import Secret
from haconsole.pki.errors import PkiError
from haconsole.pki.keys import make_private_key
from haconsole.transport.answers import NoAnswers
from tests.unit.execution.test_perform import CP1, CP2, Bench, issue

KEY = make_private_key(KeyAlgorithm.ECDSA_P256)


class Said(NoAnswers):
    """A person who answers with these, one after the other."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.requests: list[Path] = []

    async def passphrase(self, key_path: Path) -> Secret | None:
        self.requests.append(key_path)
        return Secret(self.answers.pop(0)) if self.answers else None


def bench(tmp_path: Path, answers: Said) -> Bench:
    result = Bench(tmp_path, Pki(ca_key=CaKeyPlace.OPERATOR))
    result.context = replace(result.context, ca_keys=OperatorKeys(tmp_path / "keys", answers, {}))
    return result


def ensure(folder: Path) -> EnsureAuthority:
    return EnsureAuthority("etcd-ca", "etcd-ca", f"{folder}/ca.crt", f"{folder}/ca.key", (CP1, CP2))


async def test_a_ca_is_made_and_signs_with_its_key_on_no_host(tmp_path: Path) -> None:
    answers = Said("correct horse", "correct horse")
    performed = await bench(tmp_path, answers).perform(ensure(tmp_path))
    (content,) = (tmp_path / "keys").iterdir()
    assert performed.outcome is Outcome.DONE, performed.error
    assert str(content) in performed.output
    assert not (tmp_path / "ca.key").exists()
    assert (content.stat().st_mode & 0o777, content.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert content.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    later = Said("correct horse")
    second = bench(tmp_path, later)
    assert (await second.perform(ensure(tmp_path))).output.startswith("found")
    assert (await second.perform(replace(issue(tmp_path), authority="etcd-ca"))).outcome is Outcome.DONE
    assert len(later.requests) == 1
    verified = subprocess.run(("openssl", "verify", "-CAfile", f"{tmp_path}/ca.crt", f"{tmp_path}/pki/cp1.crt"))
    assert verified.returncode == 0


async def test_openssl_opens_it_with_the_passphrase(tmp_path: Path) -> None:
    path = await OperatorKeys(tmp_path, Said("s3cret", "s3cret"), {}).put("etcd-ca", KEY)
    requests = ("openssl", "pkey", "-in", str(path), "-passin", "stdin", "-pubout")
    message = subprocess.run(requests, input=b"s3cret\n", capture_output=True)
    assert message.stdout == KEY.public_pem()


async def test_a_slip_of_the_first_passphrase_encrypts_nothing(tmp_path: Path) -> None:
    with pytest.raises(PkiError, match="differ"):
        await OperatorKeys(tmp_path / "keys", Said("one", "other"), {}).put("etcd-ca", KEY)
    assert not (tmp_path / "keys").exists()


async def test_a_wrong_passphrase_is_reported_and_prompted_for_again(tmp_path: Path) -> None:
    await OperatorKeys(tmp_path, Said("right", "right"), {}).put("etcd-ca", KEY)
    assert await OperatorKeys(tmp_path, Said("wrong", "right"), {}).find(KEY.public_pem()) is not None
    with pytest.raises(PkiError, match="cannot be opened"):
        await OperatorKeys(tmp_path, Said("a", "b", "c"), {}).find(KEY.public_pem())
    with pytest.raises(PkiError, match="was not given"):
        await OperatorKeys(tmp_path, Said(), {}).find(KEY.public_pem())


async def test_every_key_of_a_cluster_has_one_passphrase(tmp_path: Path) -> None:
    await OperatorKeys(tmp_path, Said("right", "right"), {}).put("etcd-ca", KEY)
    other = make_private_key(KeyAlgorithm.ECDSA_P256)
    with pytest.raises(PkiError, match="does not open"):
        await OperatorKeys(tmp_path, Said("wrong"), {}).put("kubernetes-ca", other)
    assert len(list(tmp_path.glob("*.key"))) == 1


async def test_the_passphrase_from_a_descriptor(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"from elsewhere\n")
    os.close(write)
    keys = OperatorKeys(tmp_path, NoAnswers(), {PASSPHRASE_FD: str(read)})
    await keys.put("etcd-ca", KEY)
    os.close(read)
    assert await keys.find(KEY.public_pem()) is not None
    assert await OperatorKeys(tmp_path, Said("from elsewhere"), {}).find(KEY.public_pem()) is not None


def test_keys_are_beside_the_inventory_unless_it_names_a_folder() -> None:
    assert keys_folder(None, "/home/ops/prod.yaml", "prod") == Path("/home/ops/prod-ca-keys")
    assert keys_folder("/safe/keys", "/home/ops/prod.yaml", "prod") == Path("/safe/keys")
