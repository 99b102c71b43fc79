"""A control group for each host, so that its systemd has a tree of its own; both layouts of the machine are handled.

The unified layout is one hierarchy at /sys/fs/cgroup; the hybrid one has a folder for each controller, one for the
hierarchy named systemd and one for the unified tree (cgroups(7), systemd-nspawn(1)).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from haconsole.lab.errors import LabError

ROOT = Path("/sys/fs/cgroup")
_TOP = "haconsole"
_PERIOD_US = 100_000


def disk_of(path: Path) -> str:
    """The disk that holds a path, as ``MAJOR:MINOR``: that of a partition is its disk (sysfs, Documentation/ABI)."""
    device = path.stat().st_dev
    entry = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    whole = entry.parent if (entry / "partition").exists() else entry
    if not (whole / "dev").exists():
        raise LabError(f"{path} is on no disk whose writes could be limited")
    return (whole / "dev").read_text().strip()


def hierarchies(mounts: str) -> tuple[Path, ...]:
    """The writable control group trees that /proc/self/mounts names below /sys/fs/cgroup, in its order."""
    paths: list[Path] = []
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split()
        path = Path(place)
        inside = path == ROOT or ROOT in path.parents
        if kind in ("cgroup", "cgroup2") and inside and "rw" in options.split(",") and path not in paths:
            paths.append(path)
    return tuple(paths)


class HostGroup:
    """The control group of one host of one lab, in every hierarchy of the machine."""

    def __init__(self, lab: str, host: str, trees: tuple[Path, ...]) -> None:
        self._lab = lab
        self._host = host
        self._trees = trees

    @classmethod
    def here(cls, lab: str, host: str) -> HostGroup:
        """The group on this machine as it is mounted now."""
        trees = hierarchies(Path("/proc/self/mounts").read_text())
        if not trees:
            raise LabError("no control group tree is mounted writable below /sys/fs/cgroup")
        return cls(lab, host, trees)

    @property
    def folders(self) -> tuple[Path, ...]:
        return tuple(tree / _TOP / self._lab / self._host for tree in self._trees)

    def make(self) -> None:
        """Have fresh, empty folders in every hierarchy; what an earlier boot left there is removed."""
        self.remove()
        for tree, folder in zip(self._trees, self.folders, strict=True):
            _make(folder)
            _inherit_cpuset(tree, folder)

    def processes(self) -> frozenset[int]:
        """Every process of the host, its nspawn included, by the machine's process ids."""
        return frozenset(pid for folder in self.folders for pid in _processes(folder))

    def limit(self, program: str, share: float) -> bool:
        """Let a program of the host use a share of a processor; False where its own systemd can set the limit.

        systemd-nspawn mounts the controllers of version 1 read-only, so the group is made here.
        """
        folder = self._limited(program)
        if folder is None:
            return False
        _make(folder)
        (folder / "cpu.cfs_period_us").write_text(f"{_PERIOD_US}")
        (folder / "cpu.cfs_quota_us").write_text(f"{share * _PERIOD_US:.0f}")
        for pid in self.processes():
            if _command(pid) == program:
                (folder / "cgroup.procs").write_text(f"{pid}")
        return True

    def limit_host(self, share: float | None) -> None:
        """Let all of the host use a share of a processor, or again as much as it can (None)."""
        quotas = tuple(
            (path, text)
            for folder in self.folders
            for path, text in (
                (folder / "cpu.cfs_quota_us", "-1" if share is None else f"{share * _PERIOD_US:.0f}"),
                (folder / "cpu.max", "max" if share is None else f"{share * _PERIOD_US:.0f} {_PERIOD_US}"),
            )
            if path.exists()
        )
        if not quotas:
            raise LabError(f"no control group of {self._host} has the controller cpu")
        for path, text in quotas:
            path.write_text(text)

    def limit_writes(self, disk: str, per_second: int | None) -> None:
        """Let all of the host write to a disk (``MAJOR:MINOR``) so often, or again as often as it can (None)."""
        limits = tuple(
            (path, text)
            for folder in self.folders
            for path, text in (
                (folder / "blkio.throttle.write_iops_device", f"{disk} {per_second or 0}"),
                (folder / "io.max", f"{disk} wiops={per_second or 'max'}"),
            )
            if path.exists()
        )
        if not limits:
            raise LabError(f"no control group of {self._host} has the controller blkio or io")
        for path, text in limits:
            path.write_text(text)

    def end_limit(self, program: str) -> None:
        """Undo `limit`; there may be none."""
        folder = self._limited(program)
        if folder is None or not folder.exists():
            return
        for pid in _processes(folder):
            (folder.parent / "cgroup.procs").write_text(f"{pid}")
        _removed(folder)

    def _limited(self, program: str) -> Path | None:
        """The group for a limited program in the tree of version 1 with the controller cpu."""
        tree = next((tree for tree in self._trees if "cpu" in tree.name.split(",")), None)
        return tree / _TOP / self._lab / self._host / f"limited-{program}" if tree else None

    def kill(self, *, deadline_s: float = 10.0) -> None:
        """SIGKILL everything in the group until nothing is left; raises LabError at the deadline."""
        end = time.monotonic() + deadline_s
        while pids := self.processes():
            for pid in pids:
                _kill(pid)
            if time.monotonic() > end:
                raise LabError(f"processes of {self._host} survive SIGKILL: {sorted(pids)}")
            time.sleep(0.02)

    def remove(self, *, deadline_s: float = 5.0) -> None:
        """Remove the host's folders. The kernel lets go of a killed process's group late, so this may wait."""
        end = time.monotonic() + deadline_s
        while busy := [folder for folder in self.folders if not _removed(folder)]:
            if time.monotonic() > end:
                raise LabError(f"control groups of {self._host} cannot be removed: {busy[0]} is busy")
            time.sleep(0.02)


def groups_of(lab: str) -> tuple[HostGroup, ...]:
    """The groups of every host of a lab that are there now."""
    names = {path.name for folder in remains(lab) for path in folder.iterdir() if path.is_dir()}
    return tuple(HostGroup.here(lab, name) for name in sorted(names))


def remove_lab(lab: str) -> None:
    """Remove the folders of a lab whose hosts are gone, and the one of all labs when this was the last."""
    for folder in remains(lab):
        _remove_if_empty(folder)
        _remove_if_empty(folder.parent)


def remains(lab: str) -> tuple[Path, ...]:
    """Folders of control groups that a lab has now."""
    trees = hierarchies(Path("/proc/self/mounts").read_text())
    return tuple(path for tree in trees if (path := tree / _TOP / lab).is_dir())


def _make(folder: Path) -> None:
    """Make a folder and those above it, also while another lab's end removes the one they share."""
    for _ in range(100):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:
            continue
        return
    raise LabError(f"the control group {folder} cannot be made: something keeps removing it")


def _inherit_cpuset(tree: Path, folder: Path) -> None:
    """A version 1 cpuset takes no process until its CPUs and memory nodes are written, from the top down."""
    for path in (folder.parent.parent, folder.parent, folder):
        for name in ("cpuset.cpus", "cpuset.mems"):
            if (tree / name).exists() and (path / name).exists():
                (path / name).write_text((tree / name).read_text())


def _processes(folder: Path) -> Iterator[int]:
    for path, _, files in os.walk(folder):
        if "cgroup.procs" not in files:
            continue
        try:
            words = Path(path, "cgroup.procs").read_text().split()
        except OSError:  # the folder went away, or holds threads only
            continue
        yield from (int(word) for word in words if word != "0")


def _command(pid: int) -> str:
    """The name of a process's program, empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _removed(folder: Path) -> bool:
    """Remove a folder and all below it, deepest first; False while something is still in use."""
    for path, _, _ in os.walk(folder, topdown=False):
        try:
            Path(path).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return not folder.exists()


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # other hosts or labs are still there, or it is gone
        return
