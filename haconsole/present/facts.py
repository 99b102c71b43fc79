"""Facts as a person may read them: current, remembered, or unknown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar, assert_never

import msgspec

from haconsole.model.observed import Failed, Known, NotAsked, Observed
from haconsole.present.ages import clock, seconds_since, span
from haconsole.present.cells import Cell, Tone, remembered

T = TypeVar("T")


class Shown(msgspec.Struct, Generic[T], frozen=True):
    """A value to draw: `since` is set when it is only remembered, and is when it was last current; `reason` is why."""

    value: T | None
    since: datetime | None = None
    reason: str | None = None

    @property
    def stale(self) -> bool:
        return self.since is not None


def display_of(fact: Observed[T]) -> Shown[T]:
    match fact:
        case Known(value=value):
            return Shown(value)
        case Failed(reason=reason, last=None):
            return Shown(None, None, reason)
        case Failed(reason=reason, last=last) if last is not None:
            return Shown(last.value, last.at, reason)
        case NotAsked() | Failed():
            return Shown(None)
        case _:
            assert_never(fact)


def observed_at(fact: Observed[T]) -> datetime | None:
    """When the value that is shown of a fact was observed, now or before; None where there is no value."""
    match fact:
        case Known(at=at) | Failed(last=Known(at=at)):
            return at
        case _:
            return None


def oldest(facts: Iterable[Observed[Any]]) -> datetime | None:
    """When the oldest of the values shown was observed, those that are only remembered included."""
    return min((at for fact in facts if (at := observed_at(fact)) is not None), default=None)


def aged(cell: Cell, fact: Observed[Any], now: datetime) -> Cell:
    """The cell of a fact's value; where the value is only remembered, in that tone and with its age."""
    if not isinstance(fact, Failed) or fact.last is None:
        return cell
    return Cell(f"{remembered(cell).text}, {span(seconds_since(fact.last.at, now))} old", Tone.STALE)


def last_known(facts: Iterable[Observed[T]]) -> datetime | None:
    """When any of the facts was last known, current or remembered."""
    known = (fact if isinstance(fact, Known) else fact.last if isinstance(fact, Failed) else None for fact in facts)
    return max((each.at for each in known if each is not None), default=None)


def since_cell(moment: datetime) -> Cell:
    return Cell(f"since {clock(moment)}", Tone.STALE)


def size(count: int | None) -> str:
    """Bytes in the largest binary unit that keeps two digits: ``512B``, ``20K``, ``1.5G``."""
    if count is None:
        return "?"
    value = float(count)
    for unit in ("B", "K", "M", "G"):
        if value < 1024:
            return f"{value:.0f}{unit}" if unit == "B" or value >= 10 else f"{value:.1f}{unit}"
        value /= 1024
    return f"{value:.1f}T"
