"""A leaf replaced on this machine: a new key, both files at once, the pair of before kept for root alone."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from haconsole.actions.checks import CertificateInPlace
from haconsole.actions.operations import EnsureAuthority, IssueCertificate
from haconsole.actions.step import Step, StepId
from haconsole.execution.events import Outcome
from haconsole.execution.verify.checks import Checks
from haconsole.pki.bundle import fingerprint_of
from tests.unit.execution.local import ME, NoCluster
from tests.unit.execution.test_perform import CP1, Bench, issue

pytestmark = pytest.mark.usefixtures("bench", "posix_shell")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def issued(bench: Bench, folder: Path) -> IssueCertificate:
    """A CA and a leaf; returns what replaces the leaf."""
    ca = EnsureAuthority("etcd", "etcd-ca", f"{folder}/ca.crt", f"{folder}/ca.key", (CP1,))
    await bench.perform(ca)
    await bench.perform(issue(folder))
    return replace(issue(folder), replaces=fingerprint_of((folder / "pki/cp1.crt").read_bytes()))


async def problems(bench: Bench, renew: IssueCertificate) -> tuple[str, ...]:
    step = Step(StepId("s"), "t", "w", CP1, renew)
    return (await Checks(bench.context, bench.plan, NoCluster()).ask((CertificateInPlace(),), step)).problems


async def test_key_and_certificate_are_new_and_the_older_ones_kept(bench: Bench, tmp_path: Path) -> None:
    renew = await issued(bench, tmp_path)
    folder = tmp_path / "pki"
    before = {name: (folder / name).read_bytes() for name in ("cp1.crt", "cp1.key")}
    assert (await problems(bench, renew))[0].endswith("it is the one to replace")
    performed = await bench.perform(renew)
    assert performed.outcome is Outcome.DONE
    assert await problems(bench, renew) == ()
    end = "r1.s"
    for name, older in before.items():
        kept = folder / f".{name}.{end}"
        assert (folder / name).read_bytes() != older
        assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (older, 0o600)
        assert f"wrote {folder / name}; the previous file is {kept}" in performed.output
    assert (folder / "cp1.key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["cp1.crt", "cp1.key", f".cp1.crt.{end}", f".cp1.key.{end}"]
    )


async def test_an_attempt_that_went_unheard_is_not_done_twice(bench: Bench, tmp_path: Path) -> None:
    renew = await issued(bench, tmp_path)
    await bench.perform(renew)
    new = (tmp_path / "pki/cp1.crt").read_bytes()
    assert "already" in (await bench.perform(renew)).output
    assert (tmp_path / "pki/cp1.crt").read_bytes() == new


async def test_what_is_left_of_a_broken_attempt_is_no_hindrance(bench: Bench, tmp_path: Path) -> None:
    renew = await issued(bench, tmp_path)
    stage = tmp_path / "pki/.new-cp1.crt"
    stage.mkdir()
    (stage / "cp1.key").write_text("half a key")
    assert (await bench.perform(renew)).outcome is Outcome.DONE
    assert not stage.exists()


async def test_a_leaf_of_a_new_ca_is_accepted_by_who_knows_the_older_one_alone(bench: Bench, tmp_path: Path) -> None:
    renew = await issued(bench, tmp_path)
    ca_next = EnsureAuthority("etcd-next", "etcd-ca-2", f"{tmp_path}/next.crt", f"{tmp_path}/next.key", (CP1,))
    await bench.perform(ca_next)
    crossed = replace(
        renew,
        authority="etcd-next",
        authority_cert_path=ca_next.cert_path,
        authority_key_path=ca_next.key_path,
        cross_cert_path=renew.authority_cert_path,
        cross_key_path=renew.authority_key_path,
        owner=ME,
    )
    assert (await bench.perform(crossed)).outcome is Outcome.DONE
    leaf = f"{tmp_path}/pki/cp1.crt"
    for argv in (
        ("-CAfile", f"{tmp_path}/next.crt", leaf),
        ("-CAfile", f"{tmp_path}/ca.crt", "-untrusted", leaf, leaf),
    ):
        said = subprocess.run(("openssl", "verify", *argv), capture_output=True, text=True)
        assert said.returncode == 0, said.stdout + said.stderr
    alone = subprocess.run(("openssl", "verify", "-CAfile", f"{tmp_path}/ca.crt", leaf), capture_output=True)
    assert alone.returncode != 0
