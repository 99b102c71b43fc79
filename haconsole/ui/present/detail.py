"""A text about one thing: headings, facts and sentences, and how they are set in a width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from rich.cells import chop_cells

from haconsole.ui.present.cells import Cell, Line, Tone, padded, width_of

LABEL_MOST = 26


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what is known under it."""

    label: str
    value: Cell


@dataclass(frozen=True, slots=True)
class Sentence:
    """Running text; `mark` stands before it and its further lines hang behind that."""

    text: Cell
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A line of a file as it stands there."""

    text: Cell


Item: TypeAlias = Heading | Fact | Sentence | Verbatim


@dataclass(frozen=True, slots=True)
class Detail:
    """All about one thing."""

    title: str
    items: tuple[Item, ...]


def detail_lines(detail: Detail, width: int) -> tuple[Line, ...]:
    """The text set in `width` cells, nothing cut: long words are broken, facts stand behind their labels."""
    labels = max((width_of(item.label) for item in detail.items if isinstance(item, Fact)), default=0)
    label_width = min(labels, LABEL_MOST, max(width // 3, 1))
    lines: list[Line] = []
    for index, item in enumerate(detail.items):
        if isinstance(item, Heading) and index:
            lines.append(())
        lines.extend(_set(item, label_width, width))
    return tuple(lines)


def _set(item: Item, label_width: int, width: int) -> Iterator[Line]:
    match item:
        case Heading(text=text):
            yield from ((Cell(part, Tone.ACCENT),) for part in wrapped(text, width))
        case Fact(label=label, value=value):
            first = padded(Cell(label, Tone.MUTED), label_width)
            yield from _hanging(first, value, label_width + 2, width)
        case Sentence(text=text, mark=mark):
            yield from _hanging(Cell(mark), text, width_of(mark) + 1 if mark else 0, width)
        case Verbatim(text=text):
            yield from ((Cell(part, text.tone),) for part in chop_cells(text.text, width) or ("",))
        case _:
            assert_never(item)


def _hanging(first: Cell, text: Cell, indent: int, width: int) -> Iterator[Line]:
    parts = wrapped(text.text, max(width - indent, 8))
    for index, part in enumerate(parts):
        lead = padded(first, indent) if index == 0 else Cell(" " * indent)
        yield (lead, Cell(part, text.tone)) if indent else (Cell(part, text.tone),)


def wrapped(text: str, width: int) -> tuple[str, ...]:
    """`text` in lines of at most `width` cells, broken at blanks, and within a word only when no line holds it."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        for piece in chop_cells(word, width) if width_of(word) > width else (word,):
            if line and width_of(line) + 1 + width_of(piece) > width:
                lines.append(line)
                line = piece
            else:
                line = f"{line} {piece}" if line else piece
    lines.append(line)
    return tuple(lines)
