"""Space on the file systems that matter: the root and the one that holds etcd's data (df(1), POSIX output)."""

from __future__ import annotations

import re

from msgspec.structs import replace

from haconsole.model.hosts import DiskSpace
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

_INODES, _READ_ONLY = "=inodes=", "=read-only="
_NUMBERS = re.compile(r"\s(?P<size>\d+|-)\s+(?P<used>\d+|-)\s+(?P<free>\d+|-)\s+(?:\d+%|-)\s+(?P<mount>/.*)$")
_HEADER = re.compile(r"^Filesystem .*$", re.MULTILINE)


def section(paths: tuple[str, ...], *, every: int = 1) -> Section:
    """Queries each path; for an absent one the nearest folder above it answers."""
    return Section("disks", with_arguments(load_script("disks"), *paths), every)


def parse(answer: SectionAnswer) -> tuple[DiskSpace, ...]:
    """One entry for each queried path; `free_bytes` is what an ordinary user may still fill."""
    text, _, rest = require(answer, "df").partition(_INODES)
    counts, _, targets = rest.partition(_READ_ONLY)
    paths, _, rows = text.partition(_matched(_HEADER.search(text), text))
    inodes = [_NUMBERS.search(line) for line in counts.splitlines() if _NUMBERS.search(line)]
    lines = rows.strip().splitlines()
    if len(lines) != len([path for path in paths.split("\n") if path]):
        raise ProbeError(f"df: unexpected output: {len(lines)} rows for {paths.split()}", Cause.UNREADABLE)
    read_only = frozenset(targets.split())
    spaces = tuple(_space(path, line) for path, line in zip(paths.split("\n"), lines, strict=False) if path)
    if len(spaces) == len(inodes):
        spaces = tuple(_with_inodes(space, match) for space, match in zip(spaces, inodes, strict=True) if match)
    return tuple(replace(space, read_only=space.mount in read_only) for space in spaces)


def _matched(match: re.Match[str] | None, text: str) -> str:
    if match is None:
        raise ProbeError(f"df: unexpected output: {text[:200]!r}", Cause.UNREADABLE)
    return match[0]


def _space(path: str, line: str) -> DiskSpace:
    match = _NUMBERS.search(line)
    if match is None or "-" in (match["size"], match["free"]):
        raise ProbeError(f"df {path}: unexpected output: {line[:200]!r}", Cause.UNREADABLE)
    return DiskSpace(path, int(match["size"]), int(match["free"]), mount=match["mount"])


def _with_inodes(space: DiskSpace, match: re.Match[str]) -> DiskSpace:
    """btrfs and others have no fixed number of inodes and show 0 or a dash."""
    if "-" in (match["size"], match["free"]):
        return space
    return replace(space, inodes=int(match["size"]), free_inodes=int(match["free"]))
