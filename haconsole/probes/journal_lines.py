"""The journal of a host as it is written: the command that follows it, and what its lines mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from haconsole.model.journal import JournalLine
from haconsole.model.names import HostName
from haconsole.transport.base import Argv

INFO = 6


SYSTEMD_ITSELF = "init.scope"
"""The unit of systemd's own lines."""


def journal_argv(units: tuple[str, ...], last: int) -> Argv:
    """Follow the journal of these units, from `last` entries back on (journalctl(1), format json)."""
    unit_arguments = tuple(word for unit in units for word in ("-u", unit))
    return ("journalctl", "-q", "--no-pager", "--follow", "-o", "json", "-n", str(last), *unit_arguments)


def journal_line(host: HostName, text: str) -> JournalLine | None:
    """One line of that command (systemd.journal-fields(7)); None for one that is not an entry."""
    try:
        entry = json.loads(text)
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1_000_000, UTC)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    unit = str(entry.get("_SYSTEMD_UNIT") or entry.get("UNIT") or entry.get("SYSLOG_IDENTIFIER") or "")
    if unit == SYSTEMD_ITSELF:
        unit = "systemd"
    priority = str(entry.get("PRIORITY", INFO))
    return JournalLine(
        host,
        at,
        unit.removesuffix(".service"),
        _message(entry.get("MESSAGE")),
        int(priority) if priority.isdecimal() else INFO,
    )


def _message(value: object) -> str:
    """The message: text, or an array of bytes if it is not valid UTF-8, or null if it is too long."""
    if isinstance(value, list):
        return bytes(each for each in value if isinstance(each, int) and 0 <= each < 256).decode(errors="replace")
    return value if isinstance(value, str) else ""
