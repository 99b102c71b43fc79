"""Archived journals and old snapshots of a host whose file system is short of space."""

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
    """The oldest first; empty where no file system is short of space."""
    try:
        rows = [line.split(" ", 2) for line in require(answer, "list old files").splitlines() if line]
        files = tuple(OldFile(path, int(size), datetime.fromtimestamp(int(at), UTC)) for at, size, path in rows)
    except (ValueError, OverflowError, OSError) as error:
        raise ProbeError(f"old files: not readable: {error}", Cause.UNREADABLE) from error
    return tuple(sorted(files, key=lambda file: file.written_at))
