"""The requirements of a lab on this machine: root, kernel features, tools, disk space."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from haconsole.lab.cgroups import hierarchies
from haconsole.lab.commands import SEARCH_PATH, attempt
from haconsole.lab.errors import LabImpossibleError
from haconsole.lab.progress import Progress
from haconsole.lab.watched import watch

_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "uts")
_INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_A_HOST = 8
_MIB = 1 << 20


class Need(msgspec.Struct, frozen=True):
    """A tool by its name or a path that must exist, and the Debian package that brings it."""

    what: str
    package: str

    def is_met(self) -> bool:
        if self.what.startswith("/"):
            return Path(self.what).exists()
        return shutil.which(self.what, path=SEARCH_PATH) is not None


HOST_NEEDS = (
    Need("debootstrap", "debootstrap"),
    Need("systemd-nspawn", "systemd-container"),
    Need("ip", "iproute2"),
    Need("nft", "nftables"),
    Need("ssh-keygen", "openssh-client"),
    Need("nsenter", "util-linux"),
    Need("setsid", "util-linux"),
    Need("mount", "mount"),
)
"""The tools that create and run hosts."""


def check_root() -> None:
    """Raise LabImpossibleError unless this is root on Linux."""
    if sys.platform != "linux":
        raise LabImpossibleError("a lab needs Linux", hint="run it on a Debian machine")
    if os.geteuid() != 0:
        raise LabImpossibleError("a lab needs root: it makes namespaces and mounts", hint="run it with sudo")


def check_kernel() -> None:
    """Raise LabImpossibleError naming the kernel feature that is missing."""
    missing = [f"{name} namespaces" for name in _NAMESPACES if not Path(f"/proc/self/ns/{name}").exists()]
    if not _has_overlay():
        missing.append("the overlay file system")
    if not hierarchies(Path("/proc/self/mounts").read_text()):
        missing.append("a writable control group tree at /sys/fs/cgroup")
    if missing:
        hint = "use a physical or virtual machine, not a container without these rights"
        raise LabImpossibleError(f"a lab needs {', '.join(missing)}, which this kernel does not offer here", hint=hint)


def check_room(folder: Path, mebibytes: int, what: str) -> None:
    """Raise LabImpossibleError unless the file system of `folder` (or of its nearest parent) has that much free."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free // _MIB
    if free < mebibytes:
        raise LabImpossibleError(f"{what} needs {mebibytes} MiB below {folder} and {free} MiB are free")


def check_inotify(hosts: int) -> None:
    """Raise LabImpossibleError unless root may open the inotify instances that so many more hosts need.

    The kernel counts them by user, and the hosts' root is this machine's; a systemd that gets none does not start,
    without a message (inotify(7)).
    """
    limit = int(_INOTIFY_LIMIT.read_text()) if _INOTIFY_LIMIT.exists() else sys.maxsize
    used = sum(_inotify_instances(path) for path in Path("/proc").iterdir() if path.name.isdigit())
    if used + hosts * _INOTIFY_A_HOST > limit:
        hint = f"take another lab down, or run `sysctl fs.inotify.max_user_instances={max(1024, limit * 4)}`"
        what = f"{hosts} more hosts need {hosts * _INOTIFY_A_HOST} inotify instances; {used} of {limit} are in use"
        raise LabImpossibleError(what, hint=hint)


def _inotify_instances(process: Path) -> int:
    """The number of inotify instances of a root process; 0 when it is another user's or gone."""
    try:
        if process.stat().st_uid != 0:
            return 0
        return sum(str(path.readlink()) == "anon_inode:inotify" for path in (process / "fd").iterdir())
    except OSError:
        return 0


def unmet(needs: Iterable[Need]) -> tuple[Need, ...]:
    return tuple(need for need in needs if not need.is_met())


def meet(needs: tuple[Need, ...], progress: Progress) -> None:
    """Install what is missing with apt-get; raises LabImpossibleError naming it where that cannot be done."""
    missing = unmet(needs)
    if not missing:
        return
    packages = tuple(sorted({need.package for need in missing}))
    tools = ", ".join(need.what for need in missing)
    if not Path("/etc/debian_version").exists() or not Need("apt-get", "apt").is_met():
        raise LabImpossibleError(f"a lab needs {tools}; these can be installed only on Debian")
    progress.stage(f"installing {' '.join(packages)}")
    environment = {**os.environ, "PATH": SEARCH_PATH, "DEBIAN_FRONTEND": "noninteractive"}
    watch(("apt-get", "-q", "update"), _ignore, deadline_s=600, environment=environment)
    install = ("apt-get", "-q", "-y", "--no-install-recommends", "install", *packages)
    watch(install, _ignore, deadline_s=1800, environment=environment)
    if still := unmet(needs):
        raise LabImpossibleError(f"{', '.join(need.what for need in still)} is missing although apt-get installed it")


def _has_overlay() -> bool:
    if "\toverlay" in Path("/proc/filesystems").read_text():
        return True
    if not Need("modprobe", "kmod").is_met():
        return False
    attempt(("modprobe", "overlay"))
    return "\toverlay" in Path("/proc/filesystems").read_text()


def _ignore(line: str) -> None:
    return
