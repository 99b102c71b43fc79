"""The journals of several hosts as one stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta

from haconsole.model.journal import ERROR, JournalLine
from haconsole.model.names import HostName
from haconsole.transport.base import Argv, Fleet, TransportError

AGAIN_AFTER_S = 5.0
READ_WITHIN_S = 15.0
INFO = 6
SYSTEMD_ITSELF = "init.scope"
"""The unit of systemd's own lines."""
ROOM = 2000
"""Lines that wait for a slow reader; the hosts wait when there are more."""


async def follow(
    fleet: Fleet, units: Mapping[HostName, tuple[str, ...]], *, last: int
) -> AsyncGenerator[JournalLine, None]:
    """Journal lines of the named hosts and units, as they are written, from `last` entries back on; until it is closed.

    A lost host yields a line about it and is followed again when it is back.
    """
    lines: asyncio.Queue[JournalLine] = asyncio.Queue(ROOM)
    followers = [asyncio.create_task(_follow(fleet, host, names, last, lines)) for host, names in units.items()]
    try:
        while True:
            yield await lines.get()
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)


async def _follow(
    fleet: Fleet, host: HostName, units: tuple[str, ...], last: int, lines: asyncio.Queue[JournalLine]
) -> None:
    while True:
        try:
            async with fleet.host(host).lines(journal_argv(units, last), root=True) as stream:
                async for text in stream:
                    line = journal_line(host, text)
                    if line is not None:
                        await lines.put(line)
            reason = "the journal ended"
        except TransportError as error:
            reason = error.what
        notice = JournalLine(host, datetime.now(UTC), "haconsole", f"{reason}; trying again", ERROR)
        await lines.put(notice)
        last = 0
        await asyncio.sleep(AGAIN_AFTER_S)


AROUND = timedelta(minutes=1)
"""Time before and after a moment."""
MOST_AROUND = 2000
"""Entries of one host around a moment."""


async def around(fleet: Fleet, host: HostName, units: tuple[str, ...], at: datetime) -> tuple[JournalLine, ...]:
    """The entries around a moment of the host's own clock; one about the failure if it cannot be read."""
    try:
        result = await fleet.host(host).run(around_argv(units, at), root=True, deadline_s=READ_WITHIN_S)
    except TransportError as error:
        return (JournalLine(host, at, "haconsole", error.what, ERROR),)
    if not result.ok:
        reason = " ".join(result.stderr.split())[:300] or f"journalctl ended with status {result.exit_status}"
        return (JournalLine(host, at, "haconsole", reason, ERROR),)
    lines = (journal_line(host, text) for text in result.stdout.splitlines())
    return tuple(line for line in lines if line is not None)


def around_argv(units: tuple[str, ...], at: datetime) -> Argv:
    """The journal of these units, from a minute before a moment to a minute after it."""
    start, end = (f"@{int(moment.timestamp())}" for moment in (at - AROUND, at + AROUND))
    unit_arguments = tuple(word for unit in units for word in ("-u", unit))
    times = ("--since", start, "--until", end, "-n", str(MOST_AROUND))
    return ("journalctl", "-q", "--no-pager", "-o", "json", *times, *unit_arguments)


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
