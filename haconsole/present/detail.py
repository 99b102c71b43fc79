"""A text about one thing: headings, facts and sentences, and their layout in a width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias, assert_never

import msgspec

from haconsole.present.cells import Cell, Line, Tone, break_lines, padded, width_of, wrapped

if TYPE_CHECKING:
    from haconsole.present.log_place import LogPlace
    from haconsole.present.row_keys import RowKey

LABEL_MOST = 26


class Heading(msgspec.Struct, frozen=True):
    text: str


class Fact(msgspec.Struct, frozen=True):
    """A label and what is known under it."""

    label: str
    value: Cell


class Sentence(msgspec.Struct, frozen=True):
    """Running text; `mark` is in front of it, and further lines are indented by its width."""

    text: Cell
    mark: str = ""
    target: Target | None = None
    """Its subject, opened by a key; None if there is no single one."""


class Verbatim(msgspec.Struct, frozen=True):
    """A line of a file or of a command's output: its blanks count, and it is broken only if it does not fit."""

    text: Cell
    mark: str = ""


Target: TypeAlias = "RowKey | LogPlace"
"""A row whose details are shown, or a log."""

Item: TypeAlias = Heading | Fact | Sentence | Verbatim


class Detail(msgspec.Struct, frozen=True):
    """The details of one thing."""

    title: str
    items: tuple[Item, ...]


def detail_lines(detail: Detail, width: int) -> tuple[Line, ...]:
    """The text in `width` cells, nothing cut: long words are broken, facts follow their labels."""
    return tuple(line for _, line in detail_rows(detail, width))


def detail_rows(detail: Detail, width: int) -> tuple[tuple[int, Line], ...]:
    """The lines of that text, each with the place of its item."""
    labels = max((width_of(item.label) for item in detail.items if isinstance(item, Fact)), default=0)
    label_width = min(labels, LABEL_MOST, max(width // 2, 1))
    rows: list[tuple[int, Line]] = []
    for index, item in enumerate(detail.items):
        if isinstance(item, Heading) and index:
            rows.append((index, ()))
        rows.extend((index, line) for line in _set(item, label_width, width))
    return tuple(rows)


def _set(item: Item, label_width: int, width: int) -> Iterator[Line]:
    match item:
        case Heading(text=text):
            yield from ((Cell(part, Tone.ACCENT),) for part in wrapped(text, width))
        case Fact(label=label, value=value):
            first = padded(Cell(label, Tone.MUTED), label_width)
            yield from _hanging(first, value, label_width + 2, width)
        case Sentence(text=text, mark=mark):
            yield from _hanging(Cell(mark), text, width_of(mark) + 1 if mark else 0, width)
        case Verbatim(text=text, mark=mark):
            indent = width_of(mark) + 1 if mark else 0
            for index, part in enumerate(break_lines(text.text, max(width - indent, 8))):
                lead = padded(Cell("" if index else mark), indent)
                yield (lead, Cell(part, text.tone)) if indent else (Cell(part, text.tone),)
        case _:
            assert_never(item)


def _hanging(first: Cell, text: Cell, indent: int, width: int) -> Iterator[Line]:
    parts = wrapped(text.text, max(width - indent, 8))
    for index, part in enumerate(parts):
        lead = padded(first, indent) if index == 0 else Cell(" " * indent)
        yield (lead, Cell(part, text.tone)) if indent else (Cell(part, text.tone),)
