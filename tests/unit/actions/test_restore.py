"""The way back from a disaster: its order, who is left out, and when it is not begun."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import AnyOf, CommandSucceeds, EtcdHealthy, SnapshotHere
from haconsole.actions.operations import AddMember, CopyFromHost, Nothing, RunCommand, SendFile
from haconsole.actions.step import Plan, Refusal
from haconsole.actions.steps.etcd import either_healthy
from haconsole.execution.host.transfer import not_whole
from haconsole.model.names import StepId
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.scripts import load_script
from tests.fakes import grown, kubeadm
from tests.fakes.cluster import INVENTORY, changed, healthy, unreachable
from tests.programs import etcd

FILE = "cp2:/var/lib/etcd-snapshots/lab.db"


def planned(snapshot: ClusterSnapshot | None = None, **request: str) -> Plan:
    plan = plan_action("restore", snapshot or healthy(), INVENTORY, {"file": FILE, **request})
    assert isinstance(plan, Plan), plan.reasons
    return plan


def changes(plan: Plan) -> list[str]:
    """The steps that change something, in their order."""
    return [str(step.id) for step in plan.steps if not isinstance(step.operation, Nothing)]


def reasons(snapshot: ClusterSnapshot | None = None, **request: str) -> str:
    plan = plan_action("restore", snapshot or healthy(), INVENTORY, {"file": FILE, **request})
    assert isinstance(plan, Refusal)
    return "\n".join(plan.reasons)


def test_control_planes_are_stopped_first_and_started_last() -> None:
    result = changes(planned())
    names = [step.partition("@")[0] for step in result]
    order = list(dict.fromkeys(names))
    assert order == [
        *("kubernetes.stop", "etcd.stop", "etcd.aside", "etcd.restore", "etcd.start", "etcd.env", "etcd.add"),
        *("etcd.promote", "etcd.env-settled", "kubernetes.kube-apiserver-unit", "kubernetes.kube-apiserver"),
        *("kubernetes.kube-controller-manager", "kubernetes.kube-scheduler"),
    ]
    assert [step for step in result if step.startswith(("etcd.restore", "etcd.start"))] == [
        *("etcd.restore@cp2", "etcd.start@cp2", "etcd.start@cp1", "etcd.start@cp3"),
    ]


def test_the_operators_own_file_is_brought_before_anything_is_stopped() -> None:
    plan = planned(file="/home/me/x.db")
    bring, whole = plan.steps[:2]
    path = "/var/lib/etcd-snapshots/lab-brought-20260301T030000Z.db"
    assert bring.operation == SendFile("/home/me/x.db", path)
    assert bring.precondition == (SnapshotHere("/home/me/x.db"),)
    assert whole.needs == (bring.id,)
    (result,) = (step.operation for step in plan.steps if step.id == "etcd.restore@cp1")
    assert isinstance(result, RunCommand)
    assert path in result.argv
    assert "after the snapshot /home/me/x.db" in plan.data_loss


def test_each_member_comes_to_those_that_are_there() -> None:
    adds = [step.operation for step in planned().steps if isinstance(step.operation, AddMember)]
    assert [add.ask for add in adds] == [("cp2",), ("cp2", "cp1")]


@pytest.mark.parametrize("had_data", [True, False])
def test_a_resumed_run_stops_and_renames_nothing_newer(tmp_path: Path, had_data: bool) -> None:
    """The backup folder shows that the old data was renamed, even without old data: any data is the new cluster's."""
    data, content = tmp_path / "member", tmp_path / "member.before-restore-20260301T030000Z"
    if had_data:
        data.mkdir()
        (data / "old").touch()
    steps = {step.id: step for step in planned().steps}
    stop, backup = steps[StepId("etcd.stop@cp3")], steps[StepId("etcd.aside@cp3")]
    assert isinstance(backup.operation, RunCommand)
    (there,) = backup.verification
    assert isinstance(there, CommandSucceeds)
    (either,) = stop.verification
    assert isinstance(either, AnyOf)
    assert (there,) in either.alternatives
    here = "/var/lib/etcd/member", str(data)
    assert subprocess.run([word.replace(*here) for word in there.argv]).returncode == 1
    subprocess.run([word.replace(*here) for word in backup.operation.argv], check=True)
    assert subprocess.run([word.replace(*here) for word in there.argv]).returncode == 0
    assert not data.exists()
    assert [path.name for path in content.iterdir()] == (["old"] if had_data else [])


def test_a_resumed_run_accepts_members_that_joined_already() -> None:
    checks = [step.verification[0] for step in planned().steps if step.id.startswith("etcd.healthy-with")]
    assert either_healthy((2, 3)) in checks
    assert EtcdHealthy(3) in checks


def test_the_new_cluster_has_a_name_of_its_own() -> None:
    (result,) = (step.operation for step in planned().steps if step.id == "etcd.restore@cp2")
    assert isinstance(result, RunCommand)
    assert "--initial-cluster=cp2=https://10.99.0.12:2380" in result.argv
    assert "--initial-cluster-token=etcd-cluster-20260301T030000Z" in result.argv


def test_the_plan_names_the_data_loss() -> None:
    loses = planned().data_loss
    assert loses.startswith("everything that was written to etcd after the snapshot /var/lib/etcd-snapshots/lab.db")
    assert "etcd now: 3 voters, 2 needed, 3 healthy: can lose 1" in loses


def test_a_host_that_is_gone_is_left_out() -> None:
    plan = planned(changed(healthy(), 3, unreachable), gone="cp3")
    assert {str(step.host) for step in plan.steps} == {"cp1", "cp2"}
    assert plan.absent_hosts == ("cp3",)
    assert "cp3 is left out: if it returns, rename its data and run join cp3" in plan.summary


@pytest.mark.parametrize(
    ("snapshot", "request_", "message"),
    [
        (changed(healthy(), 3, unreachable), {}, "switch it off permanently and set gone = cp3"),
        (changed(changed(healthy(), 3, unreachable), 1, unreachable), {"gone": "cp1"}, "gone = cp1,cp3"),
        (healthy(), {"gone": "cp9"}, "the argument gone contains cp9, which is not a host of the inventory"),
        (healthy(), {"file": "x.db"}, "give a file on this machine, or HOST:PATH, e.g. cp1:/var/lib/x.db"),
        (healthy(), {"file": "cp1:/a b"}, "is not the path of a snapshot"),
        (
            healthy(),
            {"file": "cp9:/x.db"},
            "cp9 is not one of the etcd hosts that remain: copy the snapshot to one of cp1",
        ),
        (
            healthy(),
            {"gone": "cp2"},
            "cp2 is not one of the etcd hosts that remain: copy the snapshot to one of cp1, cp3",
        ),
    ],
)
def test_nothing_is_begun(snapshot: ClusterSnapshot, request_: dict[str, str], message: str) -> None:
    assert message in reasons(snapshot, **request_)


def test_only_etcd() -> None:
    inventory = grown.inventory(3, kubernetes=False)
    members = tuple(grown.listed(n) for n in (1, 2, 3))
    plan = plan_action("restore", grown.snapshot(inventory, members), inventory, {"file": "cp1:/x.db"})
    assert isinstance(plan, Plan)
    assert not [step.id for step in plan.steps if "kubernetes" in step.id]


def stacked(snapshot: ClusterSnapshot | None = None, **request: str) -> Plan | Refusal:
    return plan_action("restore", snapshot or kubeadm.healthy(), kubeadm.INVENTORY, {"file": FILE, **request})


def test_every_stacked_member_is_made_from_the_same_snapshot() -> None:
    plan = stacked()
    assert isinstance(plan, Plan), plan.reasons
    names = list(dict.fromkeys(step.partition("@")[0] for step in changes(plan)))
    assert names == [
        *("restore.copy", "kubernetes.stop", "etcd.stop", "etcd.aside", "etcd.restore", "etcd.start"),
        *("kubernetes.kube-apiserver", "kubernetes.clients"),
    ]
    makes = {step.host: step.operation for step in plan.steps if step.id.startswith("etcd.restore@")}
    flags: set[tuple[str, ...]] = set()
    for host, make in makes.items():
        assert isinstance(make, RunCommand)
        copied = (
            "/var/lib/etcd-snapshots/lab.db"
            if host == "cp2"
            else "/var/lib/etcd-snapshots/lab-restore-20260301T030000Z.db"
        )
        assert make.argv[4] == copied
        assert f"--name={host}" in make.argv
        flags.add(tuple(word for word in make.argv if word.startswith("--initial-cluster")))
    assert len(makes) == 3
    assert flags == {
        (
            "--initial-cluster=cp1=https://10.99.0.11:2380,cp2=https://10.99.0.12:2380,cp3=https://10.99.0.13:2380",
            "--initial-cluster-token=etcd-cluster-20260301T030000Z",
        )
    }
    copies = [step.operation for step in plan.steps if isinstance(step.operation, CopyFromHost)]
    assert {copy.source for copy in copies} == {"cp2"}
    starts = {step.id: step for step in plan.steps if step.id.startswith("etcd.start@")}
    assert all(set(step.starts_with) == set(starts) - {step.id} for step in starts.values())
    assert not any(isinstance(step.operation, AddMember) for step in plan.steps)
    assert plan.data_loss


def test_names_and_folders_of_stacked_members_are_those_of_their_manifests() -> None:
    command = ("etcd", "--name=node-1", "--data-dir=/srv/etcd", "--initial-advertise-peer-urls=https://10.0.0.1:2380")
    snapshot = kubeadm.with_pod(kubeadm.healthy(), "cp1", replace(kubeadm.static_pod("etcd"), command=command))
    plan = stacked(snapshot)
    assert isinstance(plan, Plan), plan.reasons
    (make,) = (step.operation for step in plan.steps if step.id == "etcd.restore@cp1")
    assert isinstance(make, RunCommand)
    assert "/srv/etcd" in make.argv
    assert "--name=node-1" in make.argv
    assert any(word.startswith("--initial-cluster=node-1=https://10.0.0.1:2380,cp2=") for word in make.argv)


def test_a_stacked_restore_needs_kubelet_on_every_host() -> None:
    plan = stacked(kubeadm.with_service(kubeadm.healthy(), "cp3", kubeadm.unit("kubelet", "inactive")))
    assert isinstance(plan, Refusal)
    assert plan.reasons == ("kubelet on cp3 does not run; kubelet stops and starts etcd's pod, so start kubelet first",)


@pytest.mark.usefixtures("posix_shell")
def test_a_program_in_an_unpacked_image_restores_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HACONSOLE_CONTAINERD", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    sh = shutil.which("sh", path="/bin:/usr/bin")
    assert sh
    check = (sh, "-c", load_script("check-etcd-tool"), "tool", "/nowhere")
    result = subprocess.run(check, capture_output=True, text=True)
    assert (result.returncode, "install etcd-client" in result.stderr) == (1, True)
    tool = tmp_path / "io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs/usr/local/bin/etcdctl"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    assert subprocess.run(check, capture_output=True).returncode == 0


@pytest.mark.skipif(shutil.which("etcdctl") is None, reason="etcdctl is not installed")
@pytest.mark.usefixtures("posix_shell")
def test_a_snapshot_of_etcdctl_is_complete_and_a_copied_database_is_not(tmp_path: Path) -> None:
    """etcdctl keeps the checksum that etcd sends; a file of a data folder has none, and may be half written."""
    member, saved = etcd.new_member("m1", tmp_path), tmp_path / "saved.db"
    with etcd.running(member):
        subprocess.run(
            ("etcdctl", "--endpoints", member.client_url, "snapshot", "save", str(saved)),
            env={"ETCDCTL_API": "3", "PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
        )
    copied = next(member.folder.rglob("snap/db"))
    check = ("sh", "-c", load_script("check-snapshot"), "whole")
    assert subprocess.run((*check, str(saved)), capture_output=True).returncode == 0
    assert not_whole(saved) == ()
    result = subprocess.run((*check, str(copied)), capture_output=True, text=True)
    assert (result.returncode, "is damaged" in result.stderr) == (1, True)
    assert not_whole(copied) != ()
