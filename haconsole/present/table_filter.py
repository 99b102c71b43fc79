"""Tables filtered and sorted by a person."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import chain

import msgspec
from msgspec.structs import replace

from haconsole.present.cells import Cell, Tone
from haconsole.present.row_keys import RemedyKey
from haconsole.present.table import Column, Row, TableView

NUMBER = re.compile(r"(\d+)")


WRONG = frozenset({Tone.CRITICAL, Tone.WARNING, Tone.UNKNOWN})


class TableFilter(msgspec.Struct, frozen=True):
    """Rows must match `needle`, in any case; `column` sorts (None: the original order).

    `needle` is a regular expression, or a text if it is none. ``!`` in front inverts it; ``COLUMN=`` in front limits it
    to the first column whose title starts with it. With `wrong` only rows with something wrong or unknown are left.
    """

    needle: str = ""
    column: int | None = None
    backwards: bool = False
    wrong: bool = False
    hidden_titles: frozenset[str] = frozenset()
    """Titles of columns to leave out; the first column always stays."""

    @property
    def note(self) -> str:
        return self._note("only wrong")

    @property
    def short_note(self) -> str:
        """The note for a head with little room."""
        return self._note("wrong")

    def _note(self, wrong: str) -> str:
        return " ".join(filter(None, (wrong if self.wrong else "", f"/{self.needle}" if self.needle else "")))


def granted(view: TableView, wish: TableFilter) -> TableView:
    """The filtered and sorted view; its summaries still cover everything."""
    rows = tuple(row for row in view.rows if _is_wrong(row)) if wish.wrong else view.rows
    rows = tuple(filter(_matcher(view, wish.needle), rows)) if wish.needle else rows
    columns = _with_hidden(view.columns, wish.hidden_titles)
    if wish.column is not None and wish.column < len(columns):
        sorting = wish.column
        rows = tuple(sorted(rows, key=lambda row: _order(row.cells[sorting].text), reverse=wish.backwards))
        arrow = "↓" if wish.backwards else "↑"
        columns = tuple(
            replace(column, title=f"{column.title}{arrow}") if index == sorting else column
            for index, column in enumerate(columns)
        )
    return replace(view, rows=rows, columns=columns, empty=_empty(view, wish))


def _with_hidden(columns: tuple[Column, ...], titles: frozenset[str]) -> tuple[Column, ...]:
    """The columns, with those to leave out marked as hidden."""
    return tuple(
        replace(column, is_hidden=place > 0 and column.title in titles) if titles else column
        for place, column in enumerate(columns)
    )


def _empty(view: TableView, wish: TableFilter) -> Cell:
    """The sentence instead of rows."""
    if not view.rows or not (wish.needle or wish.wrong):
        return view.empty
    if not wish.needle:
        return Cell("nothing is wrong here", Tone.GOOD)
    title, equals, _ = wish.needle.removeprefix("!").partition("=")
    is_unknown = equals and _column(view, title.strip()) is None
    hint = f"; there is no column {title.strip().upper()}" if is_unknown and title.strip() else ""
    return Cell(f"no row matches {wish.needle!r}{hint}")


def _is_wrong(row: Row) -> bool:
    """A fix belongs to what is wrong."""
    return row.stale or isinstance(row.key, RemedyKey) or any(cell.text and cell.tone in WRONG for cell in row.cells)


def _matcher(view: TableView, needle: str) -> Callable[[Row], bool]:
    """Whether a row matches; a heading counts by all its cells."""
    inverse, text = split_inverse(needle)
    title, equals, rest = text.partition("=")
    column = _column(view, title.strip()) if equals else None
    pattern = pattern_of(text if column is None else rest)

    def matches(row: Row) -> bool:
        cells = row.cells if column is None else row.cells[column : column + 1]
        return any(pattern.search(cell.text) for cell in cells) is not inverse

    return matches


def split_inverse(needle: str) -> tuple[bool, str]:
    """Whether a filter is inverted, and its text without the mark of that."""
    inverse = needle.startswith("!") and len(needle) > 1
    return inverse, needle[1:] if inverse else needle


def _column(view: TableView, title: str) -> int | None:
    """The place of the column with this title, or of the first one whose title starts with it, such as ``DISK``."""
    titles = [column.title.casefold() for column in view.columns]
    same = (place for place, each in enumerate(titles) if each == title.casefold())
    alike = (place for place, each in enumerate(titles) if title and each.startswith(title.casefold()))
    return next(chain(same, alike), None)


@lru_cache(8)
def pattern_of(text: str) -> re.Pattern[str]:
    """The text as a regular expression; literally if it is none, as while it is typed."""
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(text), re.IGNORECASE)


def ordered_by(wish: TableFilter, column: int) -> TableFilter:
    """Sorted by that column: ascending, the second time descending, the third time in the original order."""
    if wish.column != column:
        return replace(wish, column=column, backwards=False)
    return replace(wish, backwards=True) if not wish.backwards else replace(wish, column=None, backwards=False)


def next_order(view: TableView, wish: TableFilter) -> TableFilter:
    """The next way to sort: each column in turn, ascending then descending, then the original order."""
    if not view.columns:
        return wish
    if wish.column is not None and not wish.backwards:
        return replace(wish, backwards=True)
    first = 0 if wish.column is None else wish.column + 1
    columns = _with_hidden(view.columns, wish.hidden_titles)[first:]
    following = next((place for place, column in enumerate(columns, first) if not column.is_hidden), None)
    return replace(wish, column=following, backwards=False)


def _order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers within a text count as numbers: cp2 before cp10."""
    parts = NUMBER.split(text.casefold())
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part)
