"""Where hosts' control groups go, by what is mounted."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from haconsole.lab.cgroups import HostGroup, hierarchies
from haconsole.lab.errors import LabError

HYBRID = """\
/dev/vda / ext4 rw,relatime 0 0
tmpfs /sys/fs/cgroup tmpfs ro,nosuid,nodev,noexec,mode=755 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""
UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n"
LOCKED = "cgroup2 /sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec,relatime 0 0\n"


@pytest.mark.parametrize(
    ("mounts", "trees"),
    [
        (HYBRID, ["cpuset", "memory", "systemd", "unified"]),
        (UNIFIED, ["."]),
        (LOCKED, []),
    ],
)
def test_the_trees_of_each_layout(mounts: str, trees: list[str]) -> None:
    assert hierarchies(mounts) == tuple(Path("/sys/fs/cgroup", name) for name in trees)


def test_a_group_is_made_in_every_tree_with_the_cpuset_filled(tmp_path: Path) -> None:
    trees = (tmp_path / "cpuset", tmp_path / "unified")
    for tree in trees:
        tree.mkdir()
    group = HostGroup("drill", "cp1", trees)
    group.make()
    assert [folder.is_dir() for folder in group.folders] == [True, True]
    assert group.folders[1] == tmp_path / "unified/haconsole/drill/cp1"
    group.remove()
    assert not group.folders[0].exists()


def test_its_processes_are_killed_and_counted_below_it(tmp_path: Path) -> None:
    group = HostGroup("drill", "cp1", (tmp_path,))
    group.make()
    deeper = group.folders[0] / "payload/system.slice"
    deeper.mkdir(parents=True)
    with subprocess.Popen(("sleep", "60")) as process:
        (deeper / "cgroup.procs").write_text(f"{process.pid}\n0\n")
        assert group.processes() == {process.pid}
        with pytest.raises(LabError, match="survive SIGKILL"):  # an ordinary file keeps naming the process
            group.kill(deadline_s=0.0)
        assert process.wait(5) == -9


def test_a_busy_group_is_reported_after_the_deadline(tmp_path: Path) -> None:
    group = HostGroup("drill", "cp1", (tmp_path,))
    group.make()
    (group.folders[0] / "tasks").write_text("")
    began = time.monotonic()
    with pytest.raises(LabError, match="cp1 cannot be removed"):
        group.remove(deadline_s=0.05)
    assert time.monotonic() - began < 2


def test_a_program_is_limited_in_the_tree_with_the_processor(tmp_path: Path) -> None:
    trees = (tmp_path / "cpu,cpuacct", tmp_path / "unified")
    for tree in trees:
        tree.mkdir()
    group = HostGroup("drill", "cp1", trees)
    group.make()
    with subprocess.Popen(("sleep", "60")) as process:
        name = Path(f"/proc/{process.pid}/comm")
        while name.read_text() != "sleep\n":
            time.sleep(0.01)
        (group.folders[1] / "cgroup.procs").write_text(f"{process.pid}\n")
        assert group.limit("sleep", 0.02)
        limited = group.folders[0] / "limited-sleep"
        assert (limited / "cpu.cfs_quota_us").read_text() == "2000"
        assert (limited / "cgroup.procs").read_text() == f"{process.pid}"
        group.end_limit("sleep")
        assert (group.folders[0] / "cgroup.procs").read_text() == f"{process.pid}"
        process.kill()


def test_the_unified_tree_is_left_to_the_hosts_systemd(tmp_path: Path) -> None:
    group = HostGroup("drill", "cp1", (tmp_path,))
    group.make()
    assert not group.limit("etcd", 0.02)
    group.end_limit("etcd")
