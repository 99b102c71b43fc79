"""Several queries of one host in one command, each answered by one line."""

from __future__ import annotations

from base64 import b64decode
from enum import StrEnum

import msgspec

from haconsole.execution.host.script import run_script
from haconsole.model.observed import Cause
from haconsole.scripts import load_script
from haconsole.transport.base import HostTransport, TransportError

NOTHING = "-"
SCRIPT = load_script("query-host")


class QueryKind(StrEnum):
    """The queries about a path or a unit; `SCRIPT` answers each in one line."""

    FILE = "file"
    STAT = "stat"
    WRITTEN = "written"
    ABSENT = "absent"
    CONTENT = "content"
    CERTIFICATES = "certificates"
    """Only the certificates of a file that also holds a key, or of a kubeconfig's first user."""
    PUBLIC = "public"
    """The public half of a private key, also of one in a kubeconfig."""
    UNIT = "unit"


class HostQuery(msgspec.Struct, frozen=True):
    """One query: `subject` is a path, or a unit's name."""

    kind: QueryKind
    subject: str


class FileState(msgspec.Struct, frozen=True):
    """A file: mode bits, ``user:group``, and the SHA-256 of its content (empty if only its metadata was requested)."""

    mode: int
    owner: str
    sha256: str = ""


class UnitState(msgspec.Struct, frozen=True):
    """A systemd unit; `started_at` is when its main process was started, in seconds since 1970 of the host's clock.

    `changed_at` is the time of its last state change, by a start or by a reload.
    """

    active: str
    sub: str
    enabled: str
    started_at: float | None
    changed_at: float | None = None


HostAnswers = dict[HostQuery, str]


async def query_host(
    transport: HostTransport, queries: tuple[HostQuery, ...], *, deadline_s: float = 15.0
) -> HostAnswers:
    """Query as root; raises TransportError when the host cannot be queried or its answer is cut short."""
    distinct = tuple(dict.fromkeys(queries))
    if not distinct:
        return {}
    words = tuple(word for query in distinct for word in (query.kind.value, query.subject))
    result = await run_script(transport, SCRIPT, words, deadline_s=deadline_s)
    lines = result.stdout.splitlines()
    if not result.ok or len(lines) != len(distinct):
        what = f"queried the state of files and units, received {len(lines)} of {len(distinct)} answers"
        raise TransportError(
            transport.host, Cause.UNREADABLE, f"{what}: {result.stderr.strip() or 'nothing on stderr'}"
        )
    return dict(zip(distinct, lines, strict=True))


def file_state(answer: str) -> FileState | None:
    """Read the answer to FILE or STAT; None when there is no such file."""
    if answer == NOTHING:
        return None
    mode, owner, *rest = answer.split()
    return FileState(int(mode, 8), owner, rest[0] if rest else "")


def content_of(answer: str) -> bytes | None:
    """Read the answer to CONTENT, CERTIFICATES or PUBLIC; None when there is no such file or content."""
    return b64decode(answer) if answer not in (NOTHING, "") else None


def unit_state(answer: str) -> UnitState:
    """Read the answer to UNIT: systemd's monotonic start time against the host's own uptime and clock."""
    properties = dict(word.split("=", 1) for word in answer.split() if "=" in word)

    def moment(name: str) -> float | None:
        after_boot = int(properties.get(name) or 0) / 1e6
        return float(properties["Now"]) - (float(properties["Up"]) - after_boot) if after_boot else None

    return UnitState(
        active=properties.get("ActiveState", "unknown"),
        sub=properties.get("SubState", "unknown"),
        enabled=properties.get("UnitFileState", ""),
        started_at=moment("ExecMainStartTimestampMonotonic"),
        changed_at=moment("StateChangeTimestampMonotonic"),
    )
