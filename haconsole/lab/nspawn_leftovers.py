"""Leftovers of a killed systemd-nspawn in /run that would block the next start."""

from __future__ import annotations

from pathlib import Path

from haconsole.lab.rootfs import unmount

_RUN = Path("/run/systemd/nspawn")


def machine_name(lab: str, host: str) -> str:
    """nspawn's name of a host."""
    return f"{lab}-{host}"


def remove(lab: str, host: str, root: Path) -> None:
    """Remove nspawn's folders for a host and its lock, which is named by the root folder's device and inode."""
    if root.is_dir():
        there = root.stat()
        (_RUN / "locks" / f"inode-{there.st_dev}:{there.st_ino}").unlink(missing_ok=True)
    for parent in ("propagate", "unix-export"):
        folder = _RUN / parent / machine_name(lab, host)
        if folder.is_dir():
            unmount(folder)
            folder.rmdir()
