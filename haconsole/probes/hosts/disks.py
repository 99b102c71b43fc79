"""Space on the file systems that matter: the root and the one that holds etcd's data (df(1), POSIX output)."""

from __future__ import annotations

import re
import shlex

from haconsole.model.hosts import DiskSpace
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer

_BODY = """\
for path in PATHS; do
  at=$path
  while [ ! -e "$at" ] && [ "$at" != / ]; do at=${at%/*}; at=${at:-/}; done
  space=$(timeout 5 df -P -B1 -- "$at") || return
  printf '%s\\n' "$path"
  printf '%s\\n' "$space" | tail -n 1
done"""
_NUMBERS = re.compile(r"\s(?P<size>\d+)\s+(?P<used>\d+)\s+(?P<free>\d+)\s+(?:\d+%|-)\s")


def section(paths: tuple[str, ...], *, every: int = 1) -> Section:
    """Asks about each path; one that is not there yet is answered by the nearest folder above it."""
    words = " ".join(shlex.quote(path) for path in paths)
    body = _BODY.replace("PATHS", words)
    return Section("disks", body, every)


def parse(answer: SectionAnswer) -> tuple[DiskSpace, ...]:
    """One entry for each path asked; `free_bytes` is what an ordinary user may still fill."""
    lines = require(answer, "df").splitlines()
    if len(lines) % 2:
        raise ProbeError(f"df: {len(lines)} lines, not two for each path", Cause.UNREADABLE)
    return tuple(_space(path, line) for path, line in zip(lines[::2], lines[1::2], strict=True))


def _space(path: str, line: str) -> DiskSpace:
    match = _NUMBERS.search(line)
    if match is None:
        raise ProbeError(f"df {path}: not what df writes: {line[:200]!r}", Cause.UNREADABLE)
    return DiskSpace(path, int(match["size"]), int(match["free"]))
