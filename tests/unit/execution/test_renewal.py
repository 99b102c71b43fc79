"""A leaf replaced on this machine: a new key, both files at once, the previous pair kept and readable only by root."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.checks import CertificateInPlace
from haconsole.actions.operations import EnsureAuthority, IssueCertificate, PairForm
from haconsole.actions.step import Step
from haconsole.execution.events import Outcome
from haconsole.execution.host.host_query import QueryKind, content_of
from haconsole.execution.verify.checks import Checks
from haconsole.execution.verify.local_checks import queries
from haconsole.model.names import StepId
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
    assert (await problems(bench, renew))[0].endswith("the certificate is not replaced yet")
    performed = await bench.perform(renew)
    assert performed.outcome is Outcome.DONE
    assert await problems(bench, renew) == ()
    end = "r1.s"
    for name, older in before.items():
        content = folder / f".{name}.{end}"
        assert (folder / name).read_bytes() != older
        assert (content.read_bytes(), content.stat().st_mode & 0o777) == (older, 0o600)
        assert f"wrote {folder / name}; the previous file is {content}" in performed.output
    assert (folder / "cp1.key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["cp1.crt", "cp1.key", f".cp1.crt.{end}", f".cp1.key.{end}"]
    )


async def test_an_attempt_without_a_received_result_is_not_done_twice(bench: Bench, tmp_path: Path) -> None:
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


async def test_a_leaf_of_a_new_ca_is_accepted_by_clients_of_only_the_older_one(bench: Bench, tmp_path: Path) -> None:
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
        message = subprocess.run(("openssl", "verify", *argv), capture_output=True, text=True)
        assert message.returncode == 0, message.stdout + message.stderr
    alone = subprocess.run(("openssl", "verify", "-CAfile", f"{tmp_path}/ca.crt", leaf), capture_output=True)
    assert alone.returncode != 0


KUBECONFIG = """apiVersion: v1
clusters:
- cluster: {server: https://10.0.0.1:6443}
  name: kubernetes
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
- name: other
  user:
    client-certificate-data: b3RoZXI=
    client-key-data: b3RoZXI=
"""


async def test_a_pair_in_a_kubeconfig_is_replaced_there(bench: Bench, tmp_path: Path) -> None:
    renew = await issued(bench, tmp_path)
    pair = {"certificate": tmp_path / "pki/cp1.crt", "key": tmp_path / "pki/cp1.key"}
    path = tmp_path / "admin.conf"
    text = KUBECONFIG
    for word, file in pair.items():
        text = text.replace(f"{{{word}}}", b64encode(file.read_bytes()).decode())
    path.write_text(text)
    path.chmod(0o600)
    embedded = replace(renew, cert_path=str(path), key_path=str(path), owner=ME, form=PairForm.KUBECONFIG)
    assert (await problems(bench, embedded))[0].endswith("the certificate is not replaced yet")
    performed = await bench.perform(embedded)
    assert performed.outcome is Outcome.DONE, performed
    assert await problems(bench, embedded) == ()
    new = path.read_text()
    changed = [
        n for n, (one, other) in enumerate(zip(text.splitlines(), new.splitlines(), strict=True)) if one != other
    ]
    assert [text.splitlines()[n].split(":")[0].strip() for n in changed] == [
        "client-certificate-data",
        "client-key-data",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".admin.conf.r1.s").read_text() == text
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".new")) == []
    assert "already" in (await bench.perform(embedded)).output


async def test_a_pair_behind_a_link_is_replaced_by_another_file(bench: Bench, tmp_path: Path) -> None:
    renew = await issued(bench, tmp_path)
    older = tmp_path / "kubelet-client-2025-01-01-00-00-00.pem"
    older.write_bytes((tmp_path / "pki/cp1.crt").read_bytes() + (tmp_path / "pki/cp1.key").read_bytes())
    link = tmp_path / "kubelet-client-current.pem"
    link.symlink_to(older)
    older.chmod(0o600)
    combined = replace(renew, cert_path=str(link), key_path=str(link), owner=ME, form=PairForm.COMBINED)
    assert (await problems(bench, combined))[0].endswith("the certificate is not replaced yet")
    assert (await bench.perform(combined)).outcome is Outcome.DONE
    assert await problems(bench, combined) == ()
    new = link.resolve()
    assert new != older
    assert new.name.startswith("kubelet-client-20")
    assert new.stat().st_mode & 0o777 == 0o600
    assert older.exists()
    assert (tmp_path / f".{link.name}.r1.s").resolve() == older


async def test_no_key_leaves_the_host_for_a_check(bench: Bench, tmp_path: Path) -> None:
    renew = await issued(bench, tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "pki/cp1.crt").read_bytes() + (tmp_path / "pki/cp1.key").read_bytes())
    combined = replace(renew, cert_path=str(both), key_path=str(both), form=PairForm.COMBINED)
    step = Step(StepId("s"), "t", "w", CP1, combined)
    target = queries(CertificateInPlace(), step)
    answers = await bench.context.host_state.query(CP1, target)
    received = b"".join(content_of(answers[one]) or b"" for one in target if one.kind is not QueryKind.STAT)
    assert b"BEGIN CERTIFICATE" in received
    assert b"PRIVATE KEY" not in received
