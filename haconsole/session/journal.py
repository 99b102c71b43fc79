"""The journals of several hosts, and the logs of their static pods, as one stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host
from haconsole.model.journal import ERROR, JournalLine
from haconsole.model.names import HostName
from haconsole.session.container_logs import container_line, container_logs_argv
from haconsole.transport.base import Argv, Fleet, TransportError

AGAIN_AFTER_S = 5.0
READ_WITHIN_S = 15.0
INFO = 6
SYSTEMD_ITSELF = "init.scope"
"""The unit of systemd's own lines."""
ROOM = 2000
"""Lines that wait for a slow reader; the hosts wait when there are more."""


class LogSources(msgspec.Struct, frozen=True):
    """The systemd units and the static pods of one host whose logs are read."""

    units: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()


def log_sources(layout: Layout, host: Host, part: str = "") -> LogSources:
    """Those of the component `part`; all that should run on the host if no unit or pod of its own runs `part`."""
    every = LogSources(layout.units(host), layout.static_pods(host))
    units = tuple(unit for unit in every.units if unit.removesuffix(".service") == part)
    pods = tuple(pod for pod in every.pods if pod == part)
    return LogSources(units, pods) if units or pods else every


async def follow(
    fleet: Fleet, sources: Mapping[HostName, LogSources], *, last: int
) -> AsyncGenerator[JournalLine, None]:
    """Lines of the named hosts and sources, as they are written, from `last` entries back on; until it is closed.

    A lost host yields a line about it and is followed again when it is back.
    """
    lines: asyncio.Queue[JournalLine] = asyncio.Queue(ROOM)
    streams = [(host, *stream) for host, named in sources.items() for stream in _streams(named)]
    followers = [asyncio.create_task(_follow(fleet, *stream, last, lines)) for stream in streams]
    try:
        while True:
            yield await lines.get()
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)


CommandFor = Callable[[int], Argv]
"""Makes a command that follows a log, from so many entries back on."""
Parser = Callable[[HostName, str], JournalLine | None]


def _streams(sources: LogSources) -> tuple[tuple[CommandFor, Parser], ...]:
    journal = ((lambda last: journal_argv(sources.units, last)), journal_line)
    containers = ((lambda last: container_logs_argv(sources.pods, last, None, None)), container_line)
    return (*((journal,) if sources.units else ()), *((containers,) if sources.pods else ()))


async def _follow(
    fleet: Fleet,
    host: HostName,
    command: CommandFor,
    parse: Parser,
    last: int,
    lines: asyncio.Queue[JournalLine],
) -> None:
    while True:
        try:
            async with fleet.host(host).lines(command(last), root=True) as stream:
                async for text in stream:
                    line = parse(host, text)
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


async def around(fleet: Fleet, host: HostName, sources: LogSources, at: datetime) -> tuple[JournalLine, ...]:
    """The entries around a moment of the host's own clock; one about the failure of each source that cannot be read."""
    start, end = at - AROUND, at + AROUND
    lines: tuple[JournalLine, ...] = ()
    if sources.units:
        lines += await _read(fleet, host, around_argv(sources.units, at), journal_line, at)
    if sources.pods:
        argv = container_logs_argv(sources.pods, MOST_AROUND, start, end)
        logged = await _read(fleet, host, argv, container_line, at)
        lines += tuple(line for line in logged if start <= line.at <= end or line.priority <= ERROR)
    return lines


async def _read(fleet: Fleet, host: HostName, argv: Argv, parse: Parser, at: datetime) -> tuple[JournalLine, ...]:
    try:
        result = await fleet.host(host).run(argv, root=True, deadline_s=READ_WITHIN_S)
    except TransportError as error:
        return (JournalLine(host, at, "haconsole", error.what, ERROR),)
    if not result.ok:
        reason = " ".join(result.stderr.split())[:300] or f"{argv[0]} ended with status {result.exit_status}"
        return (JournalLine(host, at, "haconsole", reason, ERROR),)
    lines = (parse(host, text) for text in result.stdout.splitlines())
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
