"""Puts files in place; one with other content that stands there is kept beside it first."""

from __future__ import annotations

import re
from hashlib import sha256

from haconsole.execution.context import ExecutionContext
from haconsole.execution.host.host_query import NOTHING, HostQuery, QueryKind, file_state
from haconsole.execution.host.script import run_script
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.scripts import load_script
from haconsole.transport.base import HostTransport, TransportError

_UNSAFE = re.compile(r"[^A-Za-z0-9.@_-]")
SET_ASIDE = load_script("keep-backup")


def aside_end(run: str, step: str) -> str:
    """What the name of a file's copy ends with, by which taking the step back finds it again."""
    return _UNSAFE.sub("_", f"{run}.{step}")


def aside_path(path: str, end: str) -> str:
    """Where the copy of the file that stood at `path` is kept.

    Its name begins with a dot, so that programs that read a whole folder pass over it.
    """
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.{end}"


async def put_file(
    context: ExecutionContext, host: HostName, path: str, data: bytes, *, mode: int, owner: str, end: str
) -> str:
    """Write a file atomically, keeping what stood there under a name that ends with `end`; a line for the record."""
    place, content = HostQuery(QueryKind.STAT, path), HostQuery(QueryKind.FILE, path)
    answers = await context.host_state.query(host, (place, content))
    seen = file_state(answers[content])
    same = seen is not None and seen.sha256 == sha256(data).hexdigest()
    transport = context.cluster.fleet.host(host)
    aside = "" if answers[place] == NOTHING or same else await _set_aside(transport, path, aside_path(path, end))
    await transport.write_file(path, data, mode=mode, owner=owner)
    return f"wrote {path}" + (f"; the file before it is {aside}" if aside else "")


async def _set_aside(transport: HostTransport, path: str, aside: str) -> str:
    """Keep a copy of the file beside it, the first where it is done again; returns the copy's path."""
    kept = await run_script(transport, SET_ASIDE, (path, aside))
    if not kept.ok:
        what = f"could not set {path} aside: {kept.stderr.strip() or 'no answer'}"
        raise TransportError(transport.host, Cause.CONNECTION_LOST if kept.exit_status is None else Cause.OTHER, what)
    return kept.stdout.strip()
