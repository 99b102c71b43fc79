"""Scripts that run kubeadm, with a substitute for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.scripts import load_script

JOIN = load_script("kubeadm-join")
INIT = load_script("kubeadm-init")
IGNORED = "--ignore-preflight-errors=DirAvailable-"


@pytest.fixture
def programs(tmp_path: Path, posix_shell: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others in PATH: kubeadm prints its arguments, and nothing is a mount point."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in {"kubeadm": 'echo "$@"', "mountpoint": "exit 1", "systemctl": "", "journalctl": ""}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def join(data: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-ec", JOIN, "join", data], input="", capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("data", ["", "absent", "empty", "used"])
def test_kubeadm_runs_whatever_the_data_directory_is(programs: Path, tmp_path: Path, data: str) -> None:
    """On a bare host the directory is not there yet; with an etcd of its own, none is named."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "used/member").mkdir(parents=True)
    ran = join(str(tmp_path / data) if data else "")
    assert ran.returncode == 0, ran.stderr
    assert "join --config /dev/stdin" in ran.stdout
    assert IGNORED not in ran.stdout


def test_kept_data_on_a_file_system_of_its_own_is_as_good_as_none(programs: Path, tmp_path: Path) -> None:
    (programs / "mountpoint").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "etcd/.member.20260101").mkdir(parents=True)
    assert IGNORED in join(str(tmp_path / "etcd")).stdout
    (tmp_path / "etcd/member").mkdir()
    assert IGNORED not in join(str(tmp_path / "etcd")).stdout


def test_the_output_ends_with_kubeadm(programs: Path) -> None:
    """A sleep of the loop beside it outlives kubeadm; a run would wait up to two seconds for that."""
    (programs / "sleep").write_text("#!/bin/sh\nexec /bin/sleep 8\n")
    (programs / "sleep").chmod(0o755)
    (programs / "kubeadm").write_text("#!/bin/sh\n/bin/sleep 0.3\n")
    result = subprocess.run(["sh", "-ec", JOIN, "join", ""], input="", capture_output=True, text=True, timeout=6)
    assert result.returncode == 0


def test_an_init_over_a_finished_control_plane_names_the_next_command(programs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kubernetes"
    folder.mkdir()
    (folder / "admin.conf").touch()
    words = (f"{folder}/kubeadm.yaml", "unfinished-1", "6443", str(folder), f"{folder}/pki", "")
    result = subprocess.run(["sh", "-ec", INIT, "init", *words], capture_output=True, text=True, timeout=20)
    assert result.returncode == 1
    *_, last = result.stderr.splitlines()
    assert "kube-apiserver" in last
    assert "kubeadm reset" in last
