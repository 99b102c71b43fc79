"""Certificates rotated while writers write and readers read; and brought back once all of them have ended."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.hosts.conftest import LabMaker
from tests.hosts.load import ApiReader, EtcdWriter
from tests.hosts.membership import Members
from tests.hosts.program import Program, outcomes
from tests.hosts.rotation import (
    addresses,
    certs,
    end_all,
    leaves,
    rotate_ca,
    shared,
    sound,
    stopped_at,
    verb,
    with_passphrase,
)

HOSTS = ("cp1", "cp2", "cp3")


@pytest.fixture(scope="module")
def etcd(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Three hosts with only etcd."""
    lab = make_lab_for_session(kubernetes=False)
    program = Members(lab, tmp_path_factory.mktemp("rotation"), etcd_only=True).of(*HOSTS)
    program.events("bootstrap")
    return program


def pids(program: Program) -> list[str]:
    return [program.lab.exec(host, "systemctl", "show", "-p", "MainPID", "etcd").stdout for host in HOSTS]


def test_every_leaf_of_etcd_under_writes(etcd: Program) -> None:
    before, running = leaves(certs(etcd)), pids(etcd)
    with EtcdWriter(etcd.lab, addresses(etcd)) as writes:
        start = time.monotonic()
        etcd.events("rotate-certs")
        took = time.monotonic() - start
    after = certs(etcd)
    print(f"leaves of etcd: {took:.1f} s; writes: {writes}")
    assert (writes.failed, writes.successes > 20) == (0, True), str(writes)
    sound(after)
    assert all(one["fingerprint"] != before[name]["fingerprint"] for name, one in leaves(after).items())
    assert pids(etcd) == running
    for host in HOSTS:
        content = etcd.lab.exec(
            host, "sh", "-c", "stat -c %a /etc/etcd/pki/.server.*.2* /etc/etcd/pki/.peer.*.2*"
        ).stdout
        assert content.split() == ["600"] * 4


def test_a_rotation_undone(etcd: Program) -> None:
    before = leaves(certs(etcd))
    etcd.events("rotate-certs", "--host", "cp2")
    run = max((etcd.state / "haconsole" / "runs").glob("*rotate-certs*.jsonl")).stem
    result = subprocess.run(
        verb("undo", run, "--yes"), env=etcd.environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    output = certs(etcd)
    sound(output)
    assert {name: one["fingerprint"] for name, one in leaves(output).items()} == {
        name: one["fingerprint"] for name, one in before.items()
    }


def test_all_ended_and_brought_back(etcd: Program) -> None:
    result = etcd("plan", "rotate-certs", "--due")
    assert (result.returncode, "nothing is due" in result.stderr) == (4, True), result.stdout + result.stderr
    end_all(etcd)
    output = certs(etcd)
    assert output["health"] == "critical"
    assert {one["days_left"] < 0 for one in leaves(output).values()} == {True}
    status = json.loads(
        subprocess.run(
            verb("status", str(etcd.inventory), "--json"),
            env=etcd.environment,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
    )
    assert status["etcd"] is None, "a client still gets through"
    assert "etcd.revive@cp1" in etcd("plan", "rotate-certs", "--due", "--json").stdout
    start = time.monotonic()
    events = etcd.events("rotate-certs", "--due")
    print(f"etcd brought back from ended certificates: {time.monotonic() - start:.1f} s")
    assert "etcd.revive@cp1" in outcomes(events)
    sound(certs(etcd))


@pytest.mark.nightly
async def test_ended_certificates_with_a_host_without_power(etcd: Program) -> None:
    """The two that answer are brought back; the third gets its own when it is on again."""
    end_all(etcd)
    etcd.lab.crash("cp3")
    etcd.events("rotate-certs", "--due")
    etcd.lab.boot("cp3")
    etcd.events("rotate-certs", "--host", "cp3")
    sound(certs(etcd))


@pytest.mark.nightly
def test_leaves_without_a_host_and_no_ca_without_it(etcd: Program) -> None:
    """The others' leaves are replaced while its power is off, under writes; a CA rotation is refused and names it."""
    before = leaves(certs(etcd))
    etcd.lab.crash("cp3")
    refused = etcd("plan", "rotate-certs", "--ca")
    with EtcdWriter(etcd.lab, addresses(etcd)) as writes:
        etcd.events("rotate-certs")
    print(f"leaves without cp3: {writes}")
    etcd.lab.boot("cp3")
    assert refused.returncode == 4
    assert "run remove cp3" in refused.stderr
    assert (writes.failed, writes.successes > 20) == (0, True), str(writes)
    after = leaves(certs(etcd))
    same = {host for (host, role), one in after.items() if one["fingerprint"] == before[host, role]["fingerprint"]}
    assert same == {"cp3"}
    etcd.events("rotate-certs", "--host", "cp3")
    sound(certs(etcd))


def authorities(program: Program) -> dict[str, set[str]]:
    """Fingerprints by role, over all hosts."""
    result: dict[str, set[str]] = {}
    for one in certs(program)["certificates"]:
        if one["is_ca"]:
            result.setdefault(one["role"], set()).add(one["fingerprint"])
    return result


def test_the_ca_of_etcd_phase_by_phase_under_writes(etcd: Program) -> None:
    """A client that trusts only the older CA works until the last phase; an interrupted run is resumed."""
    (old,) = authorities(etcd)["etcd-ca"]
    with EtcdWriter(etcd.lab, addresses(etcd)) as writes:
        rotate_ca(etcd, "--phase", "trust")
        assert etcd("plan", "rotate-certs").returncode == 4
        assert etcd("plan", "rotate-certs", "--ca", "--phase", "drop").returncode == 4
        rotate_ca(etcd, "--phase", "leaves")
        assert len(authorities(etcd)["etcd-ca"]) == 2
    print(f"a client with only the older CA: {writes}")
    assert (writes.failed, writes.successes > 20) == (0, True), str(writes)
    assert "nothing is due" not in etcd("plan", "rotate-certs", "--ca").stdout
    with EtcdWriter(etcd.lab, addresses(etcd)) as writes:
        rotate_ca(etcd, "--phase", "drop")
    print(f"a client with its new certificate: {writes}")
    assert (writes.failed, writes.successes > 20) == (0, True), str(writes)
    sound(certs(etcd))
    (new,) = authorities(etcd)["etcd-ca"]
    assert new != old
    assert set(authorities(etcd)) == {"etcd-ca"}


@pytest.mark.nightly
def test_the_ca_of_etcd_cut_off_in_every_phase_and_resumed(etcd: Program) -> None:
    """Stopped in each phase and planned again from the hosts' state; the last one is resumed by its record."""
    (old,) = authorities(etcd)["etcd-ca"]
    for step in ("etcd.trust@", "etcd.gate@", "etcd.drop@"):
        stopped_at(etcd, step, "run", "rotate-certs", str(etcd.inventory), "--ca", "--yes")
    run = max((etcd.state / "haconsole" / "runs").glob("*.jsonl")).stem
    result = subprocess.run(
        verb("resume", run, "--yes"), env=etcd.environment, capture_output=True, text=True, timeout=240
    )
    assert result.returncode == 0, result.stdout + result.stderr
    sound(certs(etcd))
    (new,) = authorities(etcd)["etcd-ca"]
    assert (new != old, set(authorities(etcd))) == (True, {"etcd-ca"})


def test_ca_keys_kept_with_the_operator(make_lab: LabMaker, tmp_path: Path) -> None:
    """A CA made, used and replaced while its key is on no host and nowhere here in the clear."""
    program = Members(make_lab(hosts=1, kubernetes=False), tmp_path, etcd_only=True).of("cp1")
    with program.inventory.open("a") as file:
        file.write("\npki: {ca_key: operator}\n")
    for action in (("bootstrap",), ("rotate-certs",), ("rotate-certs", "--ca")):
        output = with_passphrase(program, *action)
    sound(certs(program))
    content = sorted((tmp_path / f"{program.lab.name}-ca-keys").iterdir())
    assert [path.read_text().splitlines()[0] for path in content] == ["-----BEGIN ENCRYPTED PRIVATE KEY-----"] * 2
    assert program.lab.exec("cp1", "sh", "-c", "ls -A /etc/etcd/pki | grep 'ca.*key'").stdout == ""
    output += program.journals()
    assert "correct horse" not in output
    assert "PRIVATE KEY" not in output


@pytest.mark.nightly
def test_undone_from_the_middle(etcd: Program) -> None:
    """Undoing the newest of its runs undoes the complete rotation."""
    before = authorities(etcd)
    rotate_ca(etcd, "--phase", "trust")
    rotate_ca(etcd, "--phase", "leaves")
    run = max((etcd.state / "haconsole" / "runs").glob("*rotate-certs*.jsonl")).stem
    with EtcdWriter(etcd.lab, addresses(etcd)) as writes:
        result = etcd.verb("undo", run, "--yes")
    assert result.returncode == 0, result.stdout + result.stderr
    print(f"on the way back: {writes}")
    assert (writes.failed, writes.successes > 20) == (0, True), str(writes)
    sound(certs(etcd))
    assert authorities(etcd) == before
    assert etcd("plan", "rotate-certs", "--ca", "--back").returncode == 4


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Three control planes, bootstrapped."""
    program = Program(make_lab_for_session(), tmp_path_factory.mktemp("cluster"))
    program.events("bootstrap")
    return program


@pytest.mark.timeout(600)
def test_every_leaf_of_a_control_plane_under_load(installed: Program, tmp_path: Path) -> None:
    before = leaves(certs(installed))
    vip = installed.lab.spec.vip
    with (
        EtcdWriter(installed.lab, addresses(installed)) as writes,
        ApiReader(installed.lab, vip, 8443, tmp_path / "tls") as reads,
    ):
        start = time.monotonic()
        events = installed.events("rotate-certs")
        took = time.monotonic() - start
    after = certs(installed)
    print(f"all leaves: {took:.1f} s; writes: {writes}; reads: {reads}")
    restarts = {outcome for step, outcome in outcomes(events).items() if step.startswith("kubernetes.kube-apiserver-")}
    assert (writes.failed, reads.failed) == (0, 0), f"{writes}\n{reads}"
    assert min(writes.successes, reads.successes) > 20
    sound(after)
    assert restarts == {"already"}, "an API server that reloads its certificate was restarted"
    assert all(one["fingerprint"] != before[name]["fingerprint"] for name, one in leaves(after).items())


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_a_control_plane_whose_certificates_have_all_ended_is_brought_back(cluster: Program) -> None:
    end_all(cluster)
    start = time.monotonic()
    cluster.events("rotate-certs")
    print(f"a control plane brought back from ended certificates: {time.monotonic() - start:.1f} s")
    sound(certs(cluster))


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_every_ca_of_a_control_plane_under_load(cluster: Program, tmp_path: Path) -> None:
    """Clients that trust only the older CAs lose nothing until the last phase, those of the new ones nothing in it."""
    before = certs(cluster)
    vip, start = cluster.lab.spec.vip, time.monotonic()
    for number, phases in enumerate((("trust", "leaves"), ("drop",))):
        with (
            EtcdWriter(cluster.lab, addresses(cluster)) as writes,
            ApiReader(cluster.lab, vip, 8443, tmp_path / str(number)) as reads,
        ):
            for phase in phases:
                rotate_ca(cluster, "--phase", phase)
        print(f"{phases}: writes: {writes}; reads: {reads}")
        assert (writes.failed, reads.failed) == (0, 0), f"{writes}\n{reads}"
        assert min(writes.successes, reads.successes) > 20
    print(f"all CAs: {time.monotonic() - start:.1f} s")
    after = certs(cluster)
    sound(after)
    new, older = shared(after), shared(before)
    assert {what: len(prints) for what, prints in new.items()} == dict.fromkeys(older, 1)
    assert all(new[what].isdisjoint(older[what]) for what in older)
    assert cluster.events("bootstrap")[-1]["changed"] == 0


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_every_ca_of_a_control_plane_back_from_the_middle(cluster: Program) -> None:
    before = shared(certs(cluster))
    rotate_ca(cluster, "--phase", "trust")
    rotate_ca(cluster, "--phase", "leaves")
    rotate_ca(cluster, "--back")
    sound(certs(cluster))
    assert shared(certs(cluster)) == before


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_every_ca_of_a_control_plane_in_one_plan(cluster: Program) -> None:
    before = shared(certs(cluster))
    rotate_ca(cluster)
    sound(certs(cluster))
    assert all(prints.isdisjoint(before[what]) for what, prints in shared(certs(cluster)).items())
