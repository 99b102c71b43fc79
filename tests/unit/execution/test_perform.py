"""Operations performed on folders in place of hosts: files, authorities, keys, certificates."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.actions.checks import AuthorityInPlace
from haconsole.actions.operations import (
    EnsureAuthority,
    EnsureKeyPair,
    IssueCertificate,
    Operation,
    RunCommand,
    TrustAuthority,
    WriteFile,
)
from haconsole.actions.step import Plan, Step
from haconsole.execution.events import Outcome, RunId
from haconsole.execution.outcome import OperationResult
from haconsole.execution.perform import Performer
from haconsole.execution.verify.checks import Checks
from haconsole.inventory.schema import Host, Inventory, KeyAlgorithm, Pki
from haconsole.model.hosts import Role
from haconsole.model.names import HostName, StepId
from haconsole.pki.authority import make_authority
from haconsole.pki.bundle import load_certificate
from haconsole.pki.keys import PrivateKey
from haconsole.pki.names import sans_of
from tests.unit.execution.local import ME, FastClock, LocalFleet, NoCluster, local_context

CP1, CP2 = HostName("cp1"), HostName("cp2")


class Bench:
    """A performer over two hosts that share this machine's files; each host has a folder of its own."""

    def __init__(self, tmp_path: Path, pki: Pki | None = None) -> None:
        self.fleet = LocalFleet("cp1", "cp2")
        hosts = tuple(Host(name=name, address="127.0.0.1", roles=(Role.ETCD,)) for name in ("cp1", "cp2"))
        inventory = Inventory(cluster="lab", hosts=hosts, pki=pki or Pki())
        self.clock = FastClock()
        self.context = local_context(inventory, self.fleet, self.clock, tmp_path / "run")
        self.plan = Plan("bootstrap", "lab", ())

    async def perform(self, operation: Operation, host: HostName = CP1) -> OperationResult:
        step = Step(StepId("s"), "t", "w", host, operation)
        return await Performer(self.context, self.plan, RunId("r1")).perform(step, 1)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def authority(folder: Path, *hosts: HostName) -> EnsureAuthority:
    return EnsureAuthority("etcd", "etcd-ca", f"{folder}/ca.crt", f"{folder}/ca.key", hosts or (CP1,))


def issue(folder: Path) -> IssueCertificate:
    return IssueCertificate(
        *("etcd", f"{folder}/ca.crt", f"{folder}/ca.key", f"{folder}/pki/cp1.crt", f"{folder}/pki/cp1.key", "etcd-cp1"),
        *(("system:nodes",), ("DNS:cp1", "IP:10.99.0.11"), ("server", "client"), ME),
    )


async def test_the_error_of_a_failed_command_has_place_command_and_cause(bench: Bench) -> None:
    performed = await bench.perform(RunCommand(("sh", "-c", "echo starting; echo 'no such user' >&2; exit 3")))
    assert performed.outcome is Outcome.FAILED
    assert performed.error == (
        "cp1: `sh -c 'echo starting; echo '\"'\"'no such user'\"'\"' >&2; exit 3'` ended with status 3: no such user"
    )
    assert performed.output == "starting\nno such user"


async def test_a_script_is_named_and_not_shown_in_full(bench: Bench) -> None:
    performed = await bench.perform(RunCommand(("sh", "-ec", "echo 'no room' >&2\nexit 3", "hand-over", "8443", "a b")))
    assert performed.error == "cp1: `sh -ec … hand-over 8443 'a b'` ended with status 3: no room"


async def test_a_stopped_command_is_reported_as_stopped(bench: Bench) -> None:
    performed = await bench.perform(RunCommand(("sleep", "60"), timeout_s=0.1))
    assert performed.error == "cp1: `sleep 60` did not end within 0.1 s and was stopped"


async def test_another_file_is_kept_as_a_backup(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "etcd.env"
    path.write_text("older")
    performed = await bench.perform(WriteFile(str(path), "newer"))
    backup = tmp_path / ".etcd.env.r1.s"
    assert (path.read_text(), backup.read_text()) == ("newer", "older")
    assert performed.output == f"wrote {path}; the previous file is {backup}"


async def test_the_same_content_gets_no_backup(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "etcd.env"
    path.write_text("same")
    performed = await bench.perform(WriteFile(str(path), "same", 0o600))
    assert performed.output == f"wrote {path}"
    assert [one.name for one in tmp_path.iterdir()] == ["etcd.env"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_folder_in_the_way_fails(bench: Bench, tmp_path: Path) -> None:
    performed = await bench.perform(WriteFile(str(tmp_path), "x"))
    assert performed.outcome is Outcome.FAILED
    assert performed.error == f"cp1: could not back {tmp_path} up: {tmp_path} is a folder"


async def test_a_passing_loss_is_tried_again(bench: Bench, tmp_path: Path) -> None:
    bench.fleet.host(CP1).lose = ["before", "before"]
    assert (await bench.perform(WriteFile(str(tmp_path / "x"), "x"))).outcome is Outcome.DONE
    assert (tmp_path / "x").read_text() == "x"


async def test_a_host_that_stays_away_leaves_it_unknown(bench: Bench, tmp_path: Path) -> None:
    bench.fleet.host(CP1).unreachable = True
    performed = await bench.perform(WriteFile(str(tmp_path / "x"), "x"))
    assert performed == OperationResult(Outcome.UNKNOWN, "", "cp1: connection refused")


async def test_a_new_authority_is_made_once_and_kept(bench: Bench, tmp_path: Path) -> None:
    first = await bench.perform(authority(tmp_path))
    certificate, key = (tmp_path / "ca.crt").read_bytes(), (tmp_path / "ca.key").read_bytes()
    second = await bench.perform(authority(tmp_path))
    assert first.output.startswith("made CN=etcd-ca (SHA-256 ")
    assert second.output.startswith("found CN=etcd-ca (SHA-256 ")
    assert ((tmp_path / "ca.crt").read_bytes(), (tmp_path / "ca.key").read_bytes()) == (certificate, key)
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600


async def test_a_key_without_a_certificate_from_an_interrupted_run_gets_one(bench: Bench, tmp_path: Path) -> None:
    await bench.perform(authority(tmp_path))
    key = (tmp_path / "ca.key").read_bytes()
    (tmp_path / "ca.crt").unlink()
    assert (await bench.perform(authority(tmp_path))).outcome is Outcome.DONE
    assert (tmp_path / "ca.key").read_bytes() == key


async def test_a_certificate_whose_key_is_nowhere_is_refused(bench: Bench, tmp_path: Path) -> None:
    await bench.perform(authority(tmp_path))
    (tmp_path / "ca.key").unlink()
    performed = await bench.perform(authority(tmp_path, CP1, CP2))
    assert performed.outcome is Outcome.FAILED
    assert performed.error is not None
    assert performed.error.startswith(
        f"cp1, cp2: {tmp_path}/ca.crt exists, but the CA's key ({tmp_path}/ca.key) is on no host"
    )


async def test_authorities_that_differ_are_named_with_their_fingerprints(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {
        host: make_authority("etcd-ca", algorithm=KeyAlgorithm.ECDSA_P256, days=9, now=bench.clock.now())
        for host in (CP1, CP2)
    }
    for host, one in result.items():

        async def read_file(path: str, *, answer: bytes = one.certificate, **_: object) -> bytes | None:
            return answer if path.endswith(".crt") else None

        monkeypatch.setattr(bench.fleet.host(host), "read_file", read_file)
    performed = await bench.perform(authority(tmp_path, CP1, CP2))
    assert performed.outcome is Outcome.FAILED
    assert performed.error is not None
    for host, one in result.items():
        assert f"{host}: SHA-256 {one.fingerprint}" in performed.error
    assert list(tmp_path.iterdir()) == []


async def test_a_host_that_signs_nothing_gets_only_the_certificate(bench: Bench, tmp_path: Path) -> None:
    ensure = authority(tmp_path)
    bench.plan = Plan("bootstrap", "lab", (Step(StepId("ca"), "t", "w", CP1, ensure),))
    trust = Step(StepId("trust"), "t", "w", CP2, TrustAuthority("etcd", f"{tmp_path}/trusted/ca.crt"))
    checks = Checks(bench.context, bench.plan, NoCluster())
    await bench.perform(ensure)
    before = await checks.ask((AuthorityInPlace(),), trust)
    assert before.problems == ("cp2: the certificate of the CA etcd is missing",)
    assert (await bench.perform(trust.operation, CP2)).outcome is Outcome.DONE
    assert (await checks.ask((AuthorityInPlace(),), trust)).holds
    assert [one.name for one in (tmp_path / "trusted").iterdir()] == ["ca.crt"]


async def test_a_key_pair_is_made_once_and_openssl_reads_it(bench: Bench, tmp_path: Path) -> None:
    pair = EnsureKeyPair(f"{tmp_path}/sa.pub", f"{tmp_path}/sa.key", (CP1, CP2))
    assert (await bench.perform(pair)).output == "the new key pair is now on cp1, cp2"
    first = (tmp_path / "sa.key").read_bytes()
    assert (await bench.perform(pair)).output == "the existing key pair is now on cp1, cp2"
    assert (tmp_path / "sa.key").read_bytes() == first
    requests = ["openssl", "pkey", "-in", str(tmp_path / "sa.key"), "-pubout"]
    assert subprocess.run(requests, check=True, capture_output=True).stdout == (tmp_path / "sa.pub").read_bytes()


async def test_a_public_key_without_its_private_one_is_refused(bench: Bench, tmp_path: Path) -> None:
    pair = EnsureKeyPair(f"{tmp_path}/sa.pub", f"{tmp_path}/sa.key", (CP1,))
    await bench.perform(pair)
    (tmp_path / "sa.key").unlink()
    performed = await bench.perform(pair)
    assert performed.error == f"cp1: {tmp_path}/sa.pub exists, but its private key is on no host; rename the public key"


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048])
async def test_a_certificate_is_issued_for_a_key_made_on_the_host(tmp_path: Path, algorithm: KeyAlgorithm) -> None:
    bench = Bench(tmp_path, Pki(algorithm=algorithm))
    await bench.perform(authority(tmp_path))
    assert (await bench.perform(issue(tmp_path))).outcome is Outcome.DONE
    certificate, key = tmp_path / "pki" / "cp1.crt", tmp_path / "pki" / "cp1.key"
    requests = ["openssl", "verify", "-CAfile", str(tmp_path / "ca.crt"), str(certificate)]
    assert subprocess.run(requests, check=True, capture_output=True).stdout.endswith(b"cp1.crt: OK\n")
    result = load_certificate(certificate.read_bytes())
    assert result.subject.rfc4514_string() == "CN=etcd-cp1,O=system:nodes"
    assert sans_of(result) == ("DNS:cp1", "IP:10.99.0.11")
    assert key.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in key.parent.iterdir()) == ["cp1.crt", "cp1.key"]


async def test_the_private_key_is_in_no_answer_of_the_host(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    host = bench.fleet.host(CP1)
    really = host.run

    async def listen(argv, **options):  # type: ignore[no-untyped-def]
        result = await really(argv, **options)
        events.append(result.stdout + result.stderr)
        return result

    await bench.perform(authority(tmp_path))
    monkeypatch.setattr(host, "run", listen)
    performed = await bench.perform(issue(tmp_path))
    key = PrivateKey((tmp_path / "pki" / "cp1.key").read_bytes())
    lines = key.pem.decode().splitlines()[1:-1]
    assert "BEGIN CERTIFICATE REQUEST" in events[0]
    assert not [line for line in lines for message in (*events, performed.output) if line in message]


async def test_a_certificate_issued_again_keeps_its_key_and_a_backup_of_the_old_one(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.perform(authority(tmp_path))
    await bench.perform(issue(tmp_path))
    folder = tmp_path / "pki"
    key, first = (folder / "cp1.key").read_bytes(), (folder / "cp1.crt").read_bytes()
    await bench.perform(issue(tmp_path))
    assert (folder / "cp1.key").read_bytes() == key
    (backup,) = (one for one in folder.iterdir() if one.name.startswith(".cp1.crt."))
    assert backup.read_bytes() == first
    assert (folder / "cp1.crt").read_bytes() != first


async def test_without_the_authoritys_key_nothing_is_issued(bench: Bench, tmp_path: Path) -> None:
    performed = await bench.perform(issue(tmp_path))
    assert performed.outcome is Outcome.FAILED
    assert performed.error is not None
    assert "the key of the CA etcd" in performed.error
    assert not (tmp_path / "pki" / "cp1.crt").exists()


async def test_a_key_that_is_right_keeps_its_time_and_gets_its_mode(bench: Bench, tmp_path: Path) -> None:
    key = tmp_path / "sa.key"
    pair = EnsureKeyPair(f"{tmp_path}/sa.pub", str(key), (CP1,))
    assert (await bench.perform(pair)).outcome is Outcome.DONE
    os.utime(key, (1_700_000_000, 1_700_000_000))
    key.chmod(0o644)
    assert (await bench.perform(pair)).output.startswith("the existing")
    assert (key.stat().st_mtime, key.stat().st_mode & 0o777) == (1_700_000_000, 0o600)
