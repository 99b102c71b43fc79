"""etcd restored from a snapshot when its data is lost: the data is back, in one new cluster, nothing deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from tests.hosts.conftest import LabMaker
from tests.hosts.membership import ALL, ETCDCTL, Members
from tests.hosts.program import Program

THREE = ALL[:3]
pytestmark = pytest.mark.timeout(900)


def test_the_data_comes_back_in_a_new_cluster(etcd: Members) -> None:
    """Two of three members have lost their data, so that the quorum is lost permanently."""
    etcd.stand(*THREE)
    program = etcd.of(*THREE)
    etcd.shell("cp1", f"{ETCDCTL} put kept before")
    backup = program.events("backup")
    (step,) = (event["step"] for event in backup if event["event"] == "step-done")
    host = step.partition("@")[2]
    path = etcd.shell(host, "ls -t /var/lib/etcd-snapshots/*.db | head -1").strip()
    etcd.shell("cp1", f"{ETCDCTL} put kept after")
    before = etcd.status(*THREE)["etcd"]["cluster_id"]
    for missing in [one for one in THREE if one != host]:
        etcd.shell(missing, "systemctl kill -s KILL etcd; systemctl stop etcd; rm -rf /var/lib/etcd/member")
    assert "etcd.quorum-lost" in {one["code"] for one in etcd.status(*THREE)["findings"]}

    unconfirmed = program("run", "restore", f"{host}:{path}", "--yes")
    assert unconfirmed.returncode == 64
    assert f"--confirm {etcd.lab.spec.name}" in unconfirmed.stderr
    result = program("run", "restore", f"{host}:{path}", "--confirm", etcd.lab.spec.name, "--json")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    etcd.check(*THREE)
    output = etcd.status(*THREE)["etcd"]
    assert output["cluster_id"] != before
    for one in THREE:
        assert etcd.shell(one, f"{ETCDCTL} get kept --print-value-only") == "before\n"
    assert etcd.shell(host, "ls -d /var/lib/etcd/member.before-restore-*").strip() != ""
    etcd.of(*ALL[:4]).events("join", "cp4")
    etcd.check(*ALL[:4])


@pytest.mark.nightly
def test_a_backup_in_the_operators_hands_brings_the_data_back_when_every_host_has_lost_its_own(
    etcd: Members, tmp_path: Path
) -> None:
    etcd.stand(*THREE)
    program, mine = etcd.of(*THREE), tmp_path / "mine.db"
    etcd.shell("cp1", f"{ETCDCTL} put kept mine && head -c 12000000 /dev/urandom | base64 -w 900000 >/root/much")
    etcd.shell(
        "cp1", f'n=0; while read -r line; do n=$((n+1)); printf %s "$line" | {ETCDCTL} put much/$n; done </root/much'
    )
    program.events("backup", "-o", str(mine))
    assert mine.stat().st_mode & 0o777 == 0o600
    print(f"fetched {mine.stat().st_size} bytes")
    assert mine.stat().st_size > 8 << 20
    etcd.shell("cp1", f"{ETCDCTL} put later than-the-copy")
    second = program("run", "backup", "--yes", "-o", str(mine))
    assert second.returncode != 0
    assert "already exists" in second.stdout + second.stderr
    for host in THREE:
        etcd.shell(
            host,
            "systemctl kill -s KILL etcd; systemctl stop etcd; rm -rf /var/lib/etcd/member /var/lib/etcd-snapshots",
        )
    fault = tmp_path / "broken.db"
    fault.write_bytes(mine.read_bytes()[:-4096])
    refused = program("run", "restore", str(fault), "--confirm", etcd.lab.spec.name)
    assert refused.returncode != 0
    assert "is damaged" in refused.stdout + refused.stderr
    result = program("run", "restore", str(mine), "--confirm", etcd.lab.spec.name)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    etcd.check(*THREE)
    for host in THREE:
        assert etcd.shell(host, f"{ETCDCTL} get kept --print-value-only") == "mine\n"
        assert etcd.shell(host, f"{ETCDCTL} get much/1 --print-value-only | wc -c") == "900001\n"
    assert etcd.shell("cp1", "stat -c %a /var/lib/etcd-snapshots/*-brought-*").split() == ["600"]


@pytest.mark.nightly
def test_one_host_of_three_is_enough(etcd: Members, tmp_path: Path) -> None:
    """Two hosts are off permanently: the lock does not wait for their votes."""
    etcd.stand(*THREE)
    program, mine = etcd.of(*THREE), tmp_path / "mine.db"
    etcd.shell("cp1", f"{ETCDCTL} put kept one")
    program.events("backup", "-o", str(mine))
    for host in ("cp2", "cp3"):
        etcd.lab.crash(host)
    try:
        how = ("--gone", "cp2,cp3", "--confirm", etcd.lab.spec.name)
        result = program("run", "restore", str(mine), *how)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
        assert etcd.shell("cp1", f"{ETCDCTL} get kept --print-value-only") == "one\n"
        assert len(etcd.status("cp1")["etcd"]["members"]) == 1
    finally:
        for host in ("cp2", "cp3"):
            etcd.lab.boot(host)


@pytest.mark.nightly
def test_a_damaged_snapshot_stops_nothing(etcd: Members) -> None:
    etcd.stand(*THREE)
    program = etcd.of(*THREE)
    etcd.shell("cp1", f"{ETCDCTL} snapshot save /root/x.db && printf x | dd of=/root/x.db bs=1 seek=4096 conv=notrunc")
    result = program("run", "restore", "cp1:/root/x.db", "--confirm", etcd.lab.spec.name)
    assert result.returncode != 0
    assert "/root/x.db is damaged" in result.stdout + result.stderr
    etcd.check(*THREE)


def test_a_host_that_may_still_serve_the_old_data_is_not_left_out(etcd: Members) -> None:
    etcd.stand(*THREE)
    etcd.lab.cut("cp3")
    refusal = etcd.refused(THREE, "restore", "cp1:/root/x.db")
    etcd.lab.reconnect("cp3")
    assert "gone = cp3" in refusal


@pytest.mark.nightly
def test_control_planes_come_back_with_what_was_then(make_lab: LabMaker, tmp_path: Path) -> None:
    """Objects newer than the snapshot are gone, older ones are back, and the API works again."""
    lab = make_lab()
    program = Program(lab, tmp_path)
    program.events("bootstrap")
    kubectl(lab, "create", "namespace", "before")
    events = program.events("backup")
    host = next(event["host"] for event in events if event["event"] == "step-done")
    path = lab.exec(host, "sh", "-c", "ls /var/lib/etcd-snapshots/*.db").stdout.strip()
    kubectl(lab, "create", "namespace", "after")
    result = program("run", "restore", f"{host}:{path}", "--confirm", lab.spec.name, "--json", deadline_s=580)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    names = kubectl(lab, "get", "namespaces", "-o", "name").split()
    assert "namespace/before" in names
    assert "namespace/after" not in names
    kubectl(lab, "create", "namespace", "since")
    steps = [json.loads(line) for line in result.stdout.splitlines()]
    order = [event["step"].partition("@")[0] for event in steps if event["event"] == "step-done"]
    assert max(at for at, step in enumerate(order) if step == "kubernetes.stop") < order.index("etcd.stop")
    assert order.index("kubernetes.kube-apiserver") > max(at for at, step in enumerate(order) if step == "etcd.promote")


def kubectl(lab: Lab, *words: str) -> str:
    result = lab.exec("cp1", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--request-timeout=20s", *words)
    assert result.returncode == 0, result.stderr
    return result.stdout
