"""Static pods of a kubeadm control plane, as found in /proc."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Deployment, Etcd, EtcdPlacement, Host, Inventory, Kubernetes
from haconsole.model.hosts import Role
from haconsole.model.services import is_suspended
from haconsole.probes.hosts.services import units_of
from haconsole.probes.hosts.static_pods import StaticPod, body, parse, pods_of
from haconsole.probes.script import ARGV

STAT = "1423 (kube-apiserver) S 1400 1423 1423 0 -1 4194560 9 0 0 0 55 23 0 0 20 0 12 0 183009 1147 81 18446 1 1"
POD = StaticPod("kube-apiserver", "/etc/kubernetes/manifests/kube-apiserver.yaml")


def test_a_kubeadm_control_plane_has_static_pods_and_the_units_beneath() -> None:
    inventory = Inventory(
        cluster="c",
        hosts=(Host(name="a", address="10.0.0.1", roles=(Role.CONTROL_PLANE, Role.ETCD)),),
        etcd=Etcd(placement=EtcdPlacement.STATIC_POD),
        kubernetes=Kubernetes(deployment=Deployment.KUBEADM),
    )
    names = [pod.name for pod in pods_of(layout(inventory), inventory.hosts[0])]
    assert names == ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    assert units_of(layout(inventory), inventory.hosts[0]) == ("kubelet.service", "containerd.service")


def test_a_process_with_a_manifest_runs() -> None:
    (state,) = parse(f"manifest kube-apiserver\nboot 1795258190 100\nprocess {STAT}\n", (POD,))
    assert (state.active, state.pid, state.enabled, state.restarts) == ("active", 1423, True, 0)
    assert state.since == datetime.fromtimestamp(1795258190 + 1830, UTC)


@pytest.mark.parametrize(("letter", "suspended"), [("S", False), ("D", False), ("T", True), ("t", True)])
def test_a_process_that_a_signal_stopped_is_suspended(letter: str, suspended: bool) -> None:
    stat = STAT.replace(") S ", f") {letter} ")
    (state,) = parse(f"manifest kube-apiserver\nboot 1795258190 100\nprocess {stat}\n", (POD,))
    assert (state.process, is_suspended(state)) == (letter, suspended)


def test_a_manifest_without_a_process_waits() -> None:
    (state,) = parse("manifest kube-apiserver\nboot 1795258190 100\n", (POD,))
    assert (state.exists, state.active, state.running) == (True, "activating", False)


def test_neither_manifest_nor_process() -> None:
    (state,) = parse("boot 1795258190 100\n", (POD,))
    assert (state.exists, state.active, state.enabled) == (False, "inactive", None)


def test_the_manifests_that_a_login_may_not_search_are_unknown() -> None:
    text = f"hidden kube-apiserver\nhidden etcd\nboot 1795258190 100\nprocess {STAT}\n"
    (state,) = parse(text, (POD, StaticPod("etcd", "/etc/kubernetes/manifests/etcd.yaml")))
    assert (state.name, state.running, state.enabled) == ("kube-apiserver", True, None)


def test_the_script_separates_a_missing_manifest_from_a_closed_folder() -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own folder is closed to other users
    folder.chmod(0o755)
    try:
        closed = folder / "closed" / "manifests"
        closed.mkdir(parents=True)
        (closed / "a.yaml").touch()
        closed.parent.chmod(0o600)
        pods = tuple(
            StaticPod(name, str(folder / path))
            for name, path in (("pod-a", "closed/manifests/a.yaml"), ("pod-b", "absent/b.yaml"))
        )
        login = 65534 if os.getuid() == 0 else None
        output = subprocess.run(ARGV, input=body(pods).encode(), capture_output=True, check=True, user=login).stdout
    finally:
        closed.parent.chmod(0o700)
        shutil.rmtree(folder)
    assert [(state.name, state.exists) for state in parse(output.decode(), pods)] == [("pod-b", False)]


def test_a_long_name_is_known_by_what_the_kernel_keeps_of_it() -> None:
    manager = StaticPod("kube-controller-manager", "/m")
    (state,) = parse(f"boot 0 100\nprocess {STAT.replace('kube-apiserver', 'kube-controller')}\n", (manager,))
    assert (state.name, state.active, state.enabled) == ("kube-controller-manager", "active", False)


def test_the_script_finds_this_very_process(tmp_path: Path) -> None:
    comm = Path("/proc/self/comm").read_text().strip()
    (tmp_path / "pod.yaml").touch()
    pods = (StaticPod(comm, str(tmp_path / "pod.yaml")), StaticPod("no-such-pod", str(tmp_path / "none.yaml")))
    result = subprocess.run(ARGV, input=body(pods).encode(), capture_output=True, check=True)
    assert f"process {os.getpid()} ({comm})" in result.stdout.decode()
    running, absent = parse(result.stdout.decode(), pods)
    assert (running.running, running.enabled, absent.exists) == (True, True, False)
    assert running.since
    assert running.since <= datetime.now(UTC)


def test_a_process_of_an_ordinary_pod_is_not_the_static_pods(tmp_path: Path) -> None:
    """Its UID has dashes or underscores; a static pod's is a hash."""
    slices = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable"
    cgroups = {
        "1": f"0::{slices}-pod0aa1b2c3_12ab_34cd_56ef_0123456789ab.slice/cri-containerd-1f.scope",
        "2": "0::/kubepods/burstable/pod0aa1b2c3-12ab-34cd-56ef-0123456789ab/1f",
        "3": f"0::{slices}-pod83c5fb95d28e5a6ecd2c1ee9c5d6f2b1.slice/cri-containerd-2f.scope",
    }
    for pid, cgroup in cgroups.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "comm").write_text("etcd\n")
        (tmp_path / pid / "cgroup").write_text(f"{cgroup}\n")
        (tmp_path / pid / "stat").write_text(STAT.replace("1423 (kube-apiserver)", f"{pid} (etcd)") + "\n")
    pods = (StaticPod("etcd", str(tmp_path / "none.yaml")),)
    result = subprocess.run(ARGV, input=body(pods, proc=str(tmp_path)).encode(), capture_output=True, check=True)
    assert [state.pid for state in parse(result.stdout.decode(), pods)] == [3]
    assert result.stdout.decode().count("process ") == 1
