"""Archived journals, old snapshots and folders of temporary files, of a host that is short of space or inodes."""

from __future__ import annotations

from datetime import UTC, datetime

from haconsole.model.hosts import DISK_LOW
from haconsole.model.observed import Cause
from haconsole.model.system import OldFile
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script


def section(snapshot_folder: str, *, every: int = 1) -> Section:
    """Needs root, whose snapshots are; `snapshot_folder` is empty on a host without etcd."""
    words = (f"{DISK_LOW * 100:.0f}", *((snapshot_folder,) if snapshot_folder else ()))
    return Section("old_files", with_arguments(load_script("old-files"), *words), every)


def parse(answer: SectionAnswer) -> tuple[OldFile, ...]:
    """The oldest first; empty where no file system is short of space or inodes."""
    try:
        rows = [line.split(" ", 2) for line in require(answer, "listing old files").splitlines() if line]
        files = tuple(_file(*row) for row in rows)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise ProbeError(f"old files: unexpected output: {error}", Cause.UNREADABLE) from error
    return tuple(sorted(files, key=lambda file: file.written_at))


def _file(at: str, size: str, path: str) -> OldFile:
    written_at = datetime.fromtimestamp(int(at), UTC)
    if not path.startswith("files "):
        return OldFile(path, int(size), written_at)
    _, count, folder = path.split(" ", 2)
    return OldFile(folder, int(size), written_at, int(count))
