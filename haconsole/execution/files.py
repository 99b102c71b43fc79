"""Puts files in place; one with other content that stands there is kept beside it first."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from haconsole.execution.script import run_script
from haconsole.model.observed import Cause
from haconsole.transport.base import HostTransport, TransportError

SET_ASIDE = r"""
if [ -d "$1" ]; then echo "$1 is a folder" >&2; exit 1; fi
if [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -c1-64)" != "$2" ]; then cp -a -- "$1" "$3" && echo "$3"; fi
"""


async def put_file(transport: HostTransport, path: str, data: bytes, *, mode: int, owner: str, now: datetime) -> str:
    """Write a file atomically; returns a line for the record. The older file's copy begins with a dot, so that
    programs that read a whole folder pass over it."""
    folder, _, name = path.rpartition("/")
    aside = f"{folder}/.{name}.{now:%Y%m%dT%H%M%SZ}"
    digest = sha256(data).hexdigest()
    kept = await run_script(transport, SET_ASIDE, (path, digest, aside))
    if not kept.ok:
        what = f"could not set {path} aside: {kept.stderr.strip() or 'no answer'}"
        raise TransportError(transport.host, Cause.CONNECTION_LOST if kept.exit_status is None else Cause.OTHER, what)
    await transport.write_file(path, data, mode=mode, owner=owner)
    before = kept.stdout.strip()
    return f"wrote {path}" + (f"; the file before it is {before}" if before else "")
