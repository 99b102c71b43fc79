"""The place of a log: host, unit or container, and moment."""

from __future__ import annotations

from datetime import datetime

import msgspec

from haconsole.model.names import HostName


class LogPlace(msgspec.Struct, frozen=True):
    """A host's log, of all hosts if there is none; of one component, or of all; around a moment, or followed."""

    host: HostName | None = None
    part: str = ""
    at: datetime | None = None
