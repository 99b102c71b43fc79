"""The type of a line of a host's journal."""

from __future__ import annotations

from datetime import datetime

import msgspec

from haconsole.model.names import HostName

ERROR = 3
WARNING = 4
"""Priorities as syslog counts them (RFC 5424 section 6.2.1): the lower, the more severe."""


class JournalLine(msgspec.Struct, frozen=True):
    """One entry: its time by the host's clock (aware, UTC), its unit or program, its severity."""

    host: HostName
    at: datetime
    source: str
    text: str
    priority: int = 6
