"""Facts as label and value, the format of every detail text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar, assert_never

from msgspec.structs import replace

from haconsole.model.observed import Failed, Known, NotAsked, Observed
from haconsole.present.ages import age, timestamp
from haconsole.present.cells import Cell, Tone, remembered
from haconsole.present.detail import Fact, Heading, Item, Sentence, Verbatim

T = TypeVar("T")


def observation(fact: Observed[T], now: datetime, what: str = "observed") -> tuple[Item, ...]:
    """The time of a fact; for a failed one the reason and the time it was last known."""
    match fact:
        case Known(at=at):
            return (Fact(what, Cell(f"{timestamp(at, now)} UTC, {age(at, now).text}", age(at, now).tone)),)
        case Failed(reason=reason, at=at, last=last):
            text = f"not known: {reason}, queried {timestamp(at, now)} UTC"
            memory = f"{timestamp(last.at, now)} UTC, {age(last.at, now).text}" if last else "never"
            return (Fact(what, Cell(text, Tone.CRITICAL)), Fact("last known", Cell(memory, Tone.STALE)))
        case NotAsked():
            return (Fact(what, Cell("not queried yet, or not needed for the host's roles", Tone.MUTED)),)


def known(fact: Observed[T], tell: Callable[[T], tuple[Item, ...]]) -> tuple[Item, ...]:
    """The text that `tell` makes of the value, dimmed if it is remembered; nothing if there never was one."""
    match fact:
        case Known(value=value):
            return tell(value)
        case Failed(last=Known(value=value)):
            remembered = Sentence(Cell("The following is remembered, not current.", Tone.STALE))
            return (remembered, *(_dimmed(item) for item in tell(value)))
        case _:
            return ()


def _dimmed(item: Item) -> Item:
    """The item in the tone of remembered facts."""
    match item:
        case Fact(value=cell):
            return replace(item, value=remembered(cell))
        case Sentence(text=cell) | Verbatim(text=cell):
            return replace(item, text=remembered(cell))
        case Heading():
            return item
        case _:
            assert_never(item)


def yes_no(value: bool, *, bad: bool | None = None) -> Cell:
    """``yes`` or ``no``; critical when the value is the `bad` one."""
    return Cell("yes" if value else "no", Tone.CRITICAL if value is bad else Tone.PLAIN)


def listed(values: tuple[str, ...]) -> Cell:
    return Cell(", ".join(values)) if values else Cell("none", Tone.MUTED)


def optional(value: object) -> Cell:
    return Cell("?", Tone.UNKNOWN) if value is None else Cell(str(value))
