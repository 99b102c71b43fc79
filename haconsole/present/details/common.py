"""Facts set as label and value, the way every detail text tells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, assert_never

from haconsole.model.observed import Failed, Known, NotAsked, Observed
from haconsole.present.ages import age, timestamp
from haconsole.present.cells import Cell, Tone, remembered
from haconsole.present.detail import Fact, Heading, Item, Sentence, Verbatim

T = TypeVar("T")


def observation(fact: Observed[T], now: datetime, what: str = "observed") -> tuple[Item, ...]:
    """When a fact was observed; for one that failed the reason and when it was last known."""
    match fact:
        case Known(at=at):
            return (Fact(what, Cell(f"{timestamp(at, now)} UTC, {age(at, now).text}", age(at, now).tone)),)
        case Failed(reason=reason, at=at, last=last):
            text = f"not known: {reason}, asked {timestamp(at, now)} UTC"
            memory = f"{timestamp(last.at, now)} UTC, {age(last.at, now).text}" if last else "never"
            return (Fact(what, Cell(text, Tone.CRITICAL)), Fact("last known", Cell(memory, Tone.STALE)))
        case NotAsked():
            return (Fact(what, Cell("not asked: its roles do not call for it, or not yet", Tone.MUTED)),)


def known(fact: Observed[T], tell: Callable[[T], tuple[Item, ...]]) -> tuple[Item, ...]:
    """What `tell` makes of the value, dimmed where it is remembered; nothing when there never was one."""
    match fact:
        case Known(value=value):
            return tell(value)
        case Failed(last=Known(value=value)):
            remembered = Sentence(Cell("What follows is remembered from before, not seen now.", Tone.STALE))
            return (remembered, *(_dimmed(item) for item in tell(value)))
        case _:
            return ()


def _dimmed(item: Item) -> Item:
    """The item in the tone of what is only remembered."""
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
