"""The age of a fact, as text that changes as rarely as possible."""

from __future__ import annotations

from datetime import UTC, datetime

from haconsole.present.cells import Cell, Tone

FRESH_S = 3
OLD_S = 10
SELDOM_S = 45
READ_EVERY_S = 600
"""Seconds. Facts younger than FRESH_S are as new as polling makes them; from OLD_S on something holds them up, from
SELDOM_S on also the facts that are read every half minute. Certificates are read every READ_EVERY_S."""


def seconds_since(moment: datetime, now: datetime) -> int:
    return max(0, int((now - moment).total_seconds()))


def span(seconds: int) -> str:
    """A length of time in its largest unit: ``12s``, ``4m``, ``3h``, ``9d``."""
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // divisor}{unit}"
    return f"{seconds // 86400}d"


def age(at: datetime | None, now: datetime, *, warn_s: int = OLD_S) -> Cell:
    """The age of a pane's oldest fact, a warning from `warn_s` seconds on; None where no fact of it is known."""
    if at is None:
        return Cell("no data", Tone.UNKNOWN)
    seconds = seconds_since(at, now)
    if seconds < FRESH_S:
        return Cell(f"<{FRESH_S}s old", Tone.MUTED)
    if seconds < warn_s:
        return Cell(f"{span(seconds)} old", Tone.MUTED)
    return Cell(f"▲ {span(seconds)} old", Tone.WARNING)


def clock(moment: datetime) -> str:
    """A time of day in UTC, as the hosts' journals can be searched for."""
    return moment.astimezone(UTC).strftime("%H:%M:%S")


def timestamp(moment: datetime, now: datetime) -> str:
    """A time, with its date when that is not today."""
    form = "%H:%M:%S" if moment.astimezone(UTC).date() == now.astimezone(UTC).date() else "%Y-%m-%d %H:%M"
    return moment.astimezone(UTC).strftime(form)
