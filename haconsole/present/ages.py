"""How old a fact is, in words that change as seldom as they can."""

from __future__ import annotations

from datetime import UTC, datetime

from haconsole.present.cells import Cell, Tone

FRESH_S = 3
OLD_S = 10
"""Facts younger than FRESH_S seconds are as new as polling makes them; from OLD_S on something holds them up."""


def seconds_since(moment: datetime, now: datetime) -> int:
    return max(0, int((now - moment).total_seconds()))


def span(seconds: int) -> str:
    """A length of time in its largest unit: ``12s``, ``4m``, ``3h``, ``9d``."""
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // divisor}{unit}"
    return f"{seconds // 86400}d"


def age(at: datetime | None, now: datetime, *, slow: bool = False) -> Cell:
    """The age of a pane's data; None, nothing of it known now, is said as such. Age is no alarm for `slow` facts."""
    if at is None:
        return Cell("no data", Tone.UNKNOWN)
    seconds = seconds_since(at, now)
    if seconds < FRESH_S:
        return Cell(f"<{FRESH_S}s old", Tone.MUTED)
    if seconds < OLD_S or slow:
        return Cell(f"{span(seconds)} old", Tone.MUTED)
    return Cell(f"▲ {span(seconds)} old", Tone.WARNING)


def clock(moment: datetime) -> str:
    """A time of day in UTC, as the hosts' journals can be searched for."""
    return moment.astimezone(UTC).strftime("%H:%M:%S")


def timestamp(moment: datetime, now: datetime) -> str:
    """A time, with its day when that is not today's."""
    form = "%H:%M:%S" if moment.astimezone(UTC).date() == now.astimezone(UTC).date() else "%Y-%m-%d %H:%M"
    return moment.astimezone(UTC).strftime(form)
