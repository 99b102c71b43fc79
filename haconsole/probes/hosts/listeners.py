"""TCP ports that processes of a host listen on, as ss(8) prints them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from haconsole.model.system import Listener

_USER = re.compile(r'users:\(\("(?P<process>[^"]*)",pid=(?P<pid>\d+)')


def parse(lines: Iterable[str]) -> tuple[Listener, ...]:
    """One entry for each line of ``ss -Hltnp`` that has a port; other lines are left out."""
    return tuple(filter(None, map(_listener, lines)))


def _listener(line: str) -> Listener | None:
    words = line.split()
    if len(words) < 5 or words[0] != "LISTEN":
        return None
    address, _, port = words[3].rpartition(":")
    if not port.isdecimal():
        return None
    user = _USER.search(line)
    return Listener(int(port), address, user["process"] if user else "", int(user["pid"]) if user else None)
