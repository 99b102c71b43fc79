"""Keeps the commands that one session ran on hosts, for the list of commands."""

from __future__ import annotations

from collections import OrderedDict, deque

from msgspec.structs import replace

from haconsole.model.command import READS, HostCommand

KEPT = 5000
READS_KEPT = 500


class CommandLog:
    """Keeps the newest commands. Of equal reads on a host only the last one is kept, with the count."""

    def __init__(self) -> None:
        self._changes: deque[HostCommand] = deque(maxlen=KEPT)
        self._reads: OrderedDict[tuple[str, str, str], HostCommand] = OrderedDict()

    def record(self, command: HostCommand) -> None:
        if command.purpose not in READS:
            self._changes.append(command)
            return
        key = command.host, command.purpose, command.text
        earlier = self._reads.pop(key, None)
        self._reads[key] = replace(command, times=earlier.times + 1) if earlier else command
        if len(self._reads) > READS_KEPT:
            self._reads.popitem(last=False)

    @property
    def commands(self) -> tuple[HostCommand, ...]:
        """All of them, newest first."""
        return tuple(sorted((*self._changes, *self._reads.values()), key=lambda each: each.at, reverse=True))
