"""The journals of several hosts as one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime

from haconsole.model.journal import ERROR, JournalLine
from haconsole.model.names import HostName
from haconsole.probes.journal_lines import journal_argv, journal_line
from haconsole.transport.base import Fleet, TransportError

AGAIN_AFTER_S = 5.0
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
