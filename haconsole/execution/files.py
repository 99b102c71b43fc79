"""Puts files in place; one with other content that stands there is kept beside it first."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from haconsole.execution.look import NOTHING, Kind, Question, file_seen
from haconsole.execution.script import run_script
from haconsole.execution.site import Site
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import HostTransport, TransportError

SET_ASIDE = r"""
if [ -d "$1" ]; then echo "$1 is a folder" >&2; exit 1; fi
cp -a -- "$1" "$2" && echo "$2"
"""


async def put_file(site: Site, host: HostName, path: str, data: bytes, *, mode: int, owner: str) -> str:
    """Write a file atomically; returns a line for the record. The older file's copy begins with a dot, so that
    programs that read a whole folder pass over it."""
    place, content = Question(Kind.STAT, path), Question(Kind.FILE, path)
    answers = await site.observer.look(host, (place, content))
    seen = file_seen(answers[content])
    same = seen is not None and seen.sha256 == sha256(data).hexdigest()
    transport = site.fleet.host(host)
    aside = "" if answers[place] == NOTHING or same else await _set_aside(transport, path, site.clock.now())
    await transport.write_file(path, data, mode=mode, owner=owner)
    return f"wrote {path}" + (f"; the file before it is {aside}" if aside else "")


async def _set_aside(transport: HostTransport, path: str, now: datetime) -> str:
    """Keep a copy of the file beside it; returns the copy's path."""
    folder, _, name = path.rpartition("/")
    aside = f"{folder}/.{name}.{now:%Y%m%dT%H%M%SZ}"
    kept = await run_script(transport, SET_ASIDE, (path, aside))
    if not kept.ok:
        what = f"could not set {path} aside: {kept.stderr.strip() or 'no answer'}"
        raise TransportError(transport.host, Cause.CONNECTION_LOST if kept.exit_status is None else Cause.OTHER, what)
    return kept.stdout.strip()
