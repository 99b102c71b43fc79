"""Writes files; an existing one with other content is kept as a copy beside it first."""

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
    """The suffix of the copy's name, by which undoing the step finds it again."""
    return _UNSAFE.sub("_", f"{run}.{step}")


def aside_path(path: str, end: str) -> str:
    """The path of the copy of the previous file at `path`.

    Its name begins with a dot, so that programs that read all files of a folder skip it.
    """
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.{end}"


async def put_file(
    context: ExecutionContext, host: HostName, path: str, data: bytes, *, mode: int, owner: str, end: str
) -> str:
    """Write a file atomically, keeping the previous one under a name that ends with `end`; returns a log line."""
    place, content = HostQuery(QueryKind.STAT, path), HostQuery(QueryKind.FILE, path)
    answers = await context.host_state.query(host, (place, content))
    current_state = file_state(answers[content])
    same = current_state is not None and current_state.sha256 == sha256(data).hexdigest()
    transport = context.cluster.fleet.host(host)
    backup = "" if answers[place] == NOTHING or same else await _set_aside(transport, path, aside_path(path, end))
    await transport.write_file(path, data, mode=mode, owner=owner)
    return f"wrote {path}" + (f"; the previous file is {backup}" if backup else "")


async def _set_aside(transport: HostTransport, path: str, backup: str) -> str:
    """Keep a copy of the file beside it, the first one if this is repeated; returns the copy's path."""
    result = await run_script(transport, SET_ASIDE, (path, backup))
    if not result.ok:
        what = f"could not back {path} up: {result.stderr.strip() or 'no answer'}"
        raise TransportError(transport.host, Cause.CONNECTION_LOST if result.exit_status is None else Cause.OTHER, what)
    return result.stdout.strip()
