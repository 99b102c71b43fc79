"""Static pods restarted by the real scripts, with a fake kubelet that follows a folder of manifests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.checks import CommandSucceeds
from haconsole.actions.operations import RunCommand, UndoByCommand
from haconsole.actions.step import Step
from haconsole.actions.steps import static_pods
from haconsole.actions.steps.static_pods import (
    PodOnHost,
    pods_run,
    restart_pods_step,
    start_pods_step,
    static_pod,
    stop_pods_step,
)
from haconsole.configs.layout import layout
from haconsole.model.kubelet import StaticPodState
from tests.fakes import kubeadm

pytestmark = pytest.mark.usefixtures("posix_shell")
UID = "0123456789abcdef0123456789abcdef"
WITHIN_S = 20.0


@dataclass
class Kubelet:
    """Runs a process of its static pod while its manifest is there; each in a folder like one of /proc."""

    root: Path
    stops_pods: bool = True
    observations: set[str] = field(default_factory=set)
    """Names of files in the folder that kubelet would read."""
    processes: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> Path:
        return self.root / "manifests"

    @property
    def manifest(self) -> Path:
        return self.folder / "etcd.yaml"

    @property
    def backup(self) -> Path:
        return self.root / "kept/etcd.yaml"

    @property
    def running(self) -> list[str]:
        """PIDs of etcd, as this fake numbers them."""
        return [one.parent.name for one in self.root.glob("proc/*/comm") if one.read_text() == "etcd\n"]

    def pod(self) -> PodOnHost:
        return PodOnHost("etcd", "etcd", str(self.manifest))

    def follow(self) -> None:
        while not self.ended.wait(0.02):
            self.observations |= {one.name for one in self.folder.iterdir() if not one.name.startswith(".")}
            if self.manifest.exists() and not self.running:
                self._start()
            elif not self.manifest.exists() and self.stops_pods:
                for process in self.running:
                    for path in sorted((self.root / "proc" / process).iterdir()):
                        path.unlink()
                    (self.root / "proc" / process).rmdir()

    def _start(self) -> None:
        self.processes += 1
        process = self.root / f"proc/{4_000_000 + self.processes}"
        process.mkdir()
        ticks = int(float(Path("/proc/uptime").read_text().split()[0]) * os.sysconf("SC_CLK_TCK"))
        (process / "stat").write_text(f"{process.name} (etcd) S {'0 ' * 18}{ticks} 0 0\n")
        (process / "cgroup").write_text(f"0::/kubepods/burstable/pod{UID}/c{self.processes}\n")
        (process / "comm").write_text("etcd\n")

    def until_running(self) -> None:
        end = time.monotonic() + WITHIN_S
        while not self.running:
            assert time.monotonic() < end
            time.sleep(0.02)


@pytest.fixture
def kubelet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubelet]:
    """A kubelet with a running etcd; its process has the flag that names its folder."""
    for name in ("manifests", "proc", "bin", "logs"):
        (tmp_path / name).mkdir()
    one = Kubelet(tmp_path)
    one.manifest.write_text("kind: Pod\n")
    one.manifest.chmod(0o600)
    waits = (sys.executable, "-c", "import time; time.sleep(600)", f"--pod-manifest-path={one.folder}")
    process = subprocess.Popen(waits)
    pidof = tmp_path / "bin/pidof"
    pidof.write_text(f"#!/bin/sh\necho {process.pid}\n")
    pidof.chmod(0o755)
    (tmp_path / f"logs/kube-system_etcd-{os.uname().nodename.lower()}_{UID}").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name, path in {"PROC": "proc", "POD_LOGS": "logs", "BOOT_FILE": "boot.conf"}.items():
        monkeypatch.setenv(f"HACONSOLE_{name}", str(tmp_path / path))
    monkeypatch.setattr(static_pods, "KEPT_IN", str(tmp_path / "kept"))
    thread = threading.Thread(target=one.follow)
    thread.start()
    try:
        one.until_running()
        yield one
    finally:
        one.ended.set()
        thread.join()
        process.kill()
        process.wait()


def argv(step: Step, *, limit_s: int = 10) -> tuple[str, ...]:
    assert isinstance(step.operation, RunCommand)
    limits = (str(static_pods.STOP_S), str(static_pods.START_S))
    return tuple(str(limit_s) if word in limits else word for word in step.operation.argv)


def perform(step: Step, *, limit_s: int = 10) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv(step, limit_s=limit_s), capture_output=True, text=True, timeout=60)


def holds(check: object) -> bool:
    assert isinstance(check, CommandSucceeds)
    return subprocess.run(check.argv, capture_output=True, timeout=20).returncode == 0


def restart(kubelet: Kubelet, **files: tuple[str, ...]) -> Step:
    old = {"etcd": int(kubelet.running[0])} if kubelet.running else {}
    return restart_pods_step(
        "etcd.restart", "cp1", (kubelet.pod(),), title="", why="", phase="", newer_than=files, old_processes=old
    )


def test_a_restart_ends_with_a_new_process_and_leaves_nothing(kubelet: Kubelet) -> None:
    step = restart(kubelet)
    assert not holds(step.verification[0])
    result = perform(step)
    assert result.returncode == 0, result.stderr
    assert holds(step.verification[0])
    assert kubelet.processes == 2
    assert f"etcd runs in process {kubelet.running[0]}" in result.stdout
    assert kubelet.manifest.read_text() == "kind: Pod\n"
    assert kubelet.manifest.stat().st_mode & 0o777 == 0o600
    assert kubelet.observations == {"etcd.yaml"}
    assert not kubelet.backup.exists()
    assert not (kubelet.root / "boot.conf").exists()


def test_a_pod_that_does_not_stop_keeps_its_manifest(kubelet: Kubelet) -> None:
    kubelet.stops_pods = False
    result = perform(restart(kubelet), limit_s=1)
    assert result.returncode == 1
    assert "etcd still runs without its manifest" in result.stderr
    assert kubelet.manifest.exists()
    assert not kubelet.backup.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_restart_returns_the_manifest(kubelet: Kubelet, number: signal.Signals) -> None:
    kubelet.stops_pods = False
    process = subprocess.Popen(argv(restart(kubelet), limit_s=60), stderr=subprocess.DEVNULL)
    until(lambda: not kubelet.manifest.exists())
    assert f"C {kubelet.manifest} - - - - {kubelet.backup}\n" in (kubelet.root / "boot.conf").read_text()
    process.send_signal(number)
    process.wait(timeout=20)
    until(kubelet.manifest.exists)
    until(lambda: not kubelet.backup.exists() and not (kubelet.root / "boot.conf").exists())
    kubelet.stops_pods = True
    assert perform(restart(kubelet)).returncode == 0


@pytest.mark.parametrize("returned", [False, True])
def test_a_repeated_restart_returns_what_a_lost_one_removed(kubelet: Kubelet, returned: bool) -> None:
    """Also if the host returned it at its boot."""
    kubelet.backup.parent.mkdir()
    kubelet.backup.write_text("kind: Pod\n")
    if not returned:
        kubelet.manifest.unlink()
    step = restart(kubelet)
    assert not holds(step.verification[0])
    assert not holds(pods_run((kubelet.pod(),)))
    assert perform(step).returncode == 0
    assert holds(step.verification[0])
    assert not kubelet.backup.exists()


def test_a_manifest_written_meanwhile_is_kept(kubelet: Kubelet) -> None:
    kubelet.stops_pods = False
    process = subprocess.Popen(argv(restart(kubelet), limit_s=1), stderr=subprocess.DEVNULL)
    until(lambda: not kubelet.manifest.exists())
    kubelet.manifest.write_text("kind: Pod # newer\n")
    process.wait(timeout=20)
    assert kubelet.manifest.read_text() == "kind: Pod # newer\n"


def test_nothing_is_removed_from_a_folder_that_kubelet_does_not_read(kubelet: Kubelet, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "etcd.yaml").write_text("kind: Pod\n")
    pod = replace(kubelet.pod(), manifest=str(other / "etcd.yaml"))
    result = perform(restart_pods_step("etcd.restart", "cp1", (pod,), title="", why="", phase=""))
    assert result.returncode == 1
    assert f"kubelet reads {kubelet.folder}, not {other}" in result.stderr
    assert (other / "etcd.yaml").exists()


def test_nothing_is_removed_while_kubelet_does_not_run(kubelet: Kubelet) -> None:
    (kubelet.root / "bin/pidof").write_text("#!/bin/sh\nexit 1\n")
    result = perform(restart(kubelet))
    assert result.returncode == 1
    assert "kubelet does not run" in result.stderr
    assert kubelet.manifest.exists()


def test_a_process_older_than_its_files_was_not_restarted(kubelet: Kubelet, tmp_path: Path) -> None:
    file = tmp_path / "server.crt"
    file.write_text("new")
    os.utime(file, (time.time() + 1.0, time.time() + 1.0))
    step = restart_pods_step(
        "x", "cp1", (kubelet.pod(),), title="", why="", phase="", newer_than={"etcd": (str(file),)}
    )
    assert not holds(step.verification[0])
    os.utime(file, (time.time() - 60.0, time.time() - 60.0))
    assert holds(step.verification[0])
    assert isinstance(step.undo, UndoByCommand)
    assert step.undo.after_files
    assert not holds(step.undo.verification[0]), "a restored file has its old time, but it was renamed just now"


def test_a_stopped_pod_stays_stopped_until_it_is_started(kubelet: Kubelet) -> None:
    pods = (kubelet.pod(),)
    stop = stop_pods_step("etcd.stop", "cp1", pods, title="", why="", phase="")
    start = start_pods_step("etcd.start", "cp1", pods, title="", why="", phase="")
    assert not holds(stop.verification[0])
    assert perform(stop).returncode == 0
    assert holds(stop.verification[0])
    assert not holds(start.verification[0])
    assert not (kubelet.root / "boot.conf").exists()
    assert perform(stop).returncode == 0, "a repeated stop finds it done"
    assert perform(start).returncode == 0
    assert holds(start.verification[0])


def test_the_pod_is_that_of_kubelets_own_folder_and_file() -> None:
    paths = layout(kubeadm.INVENTORY)
    host = kubeadm.INVENTORY.hosts[0]
    plain = static_pod(kubeadm.healthy(), paths, host, "kube-controller-manager")
    manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml"
    assert plain == PodOnHost("kube-controller-manager", "kube-controller", manifest)
    own = StaticPodState("10-etcd.json", "kube-system", "etcd", ("etcd",), ("/opt/bin/etcd-3.5", "--name=x"))
    snapshot = kubeadm.with_kubelet(
        kubeadm.healthy(), "cp1", lambda facts: replace(facts, static_pod_folder="/srv/pods", static_pods=(own,))
    )
    assert static_pod(snapshot, paths, host, "etcd") == PodOnHost("etcd", "etcd-3.5", "/srv/pods/10-etcd.json")
    assert static_pod(snapshot, paths, host, "kube-scheduler") == PodOnHost(
        "kube-scheduler", "kube-scheduler", "/srv/pods/kube-scheduler.yaml"
    )
    assert static_pod(snapshot, paths, host, "haproxy") is None


def until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_sandbox_that_kubelet_does_not_stop_yet_is_no_hindrance(
    kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kubelet has not reached the API since its start: it stops nothing, and etcd has ended already."""
    monkeypatch.setenv("HACONSOLE_PATIENCE", "1")
    kubelet.stops_pods = False
    kubelet.backup.parent.mkdir()
    kubelet.manifest.rename(kubelet.backup)
    (kubelet.root / "proc" / kubelet.running[0] / "comm").write_text("pause\n")
    stop = stop_pods_step("etcd.stop", "cp1", (kubelet.pod(),), title="", why="", phase="")
    result = perform(stop)
    assert result.returncode == 0, result.stderr
    assert holds(stop.verification[0])
