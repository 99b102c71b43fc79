"""The part of a table that a person sees: rows filtered and sorted, with a cursor on one of them, and their head."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from haconsole.present.ages import age
from haconsole.present.cells import Cell, Line, Tone, padded, width_of
from haconsole.present.table import Row, TableView
from haconsole.present.table_filter import TableFilter, granted

if TYPE_CHECKING:
    from haconsole.present.row_keys import RowKey


MARK, NO_MARK = "▸", " "


class TableWindow(msgspec.Struct, frozen=True, eq=False):
    """`whole` is the unfiltered table, None before there is one; `view` has only what `wish` grants."""

    whole: TableView | None = None
    wish: TableFilter = msgspec.field(default_factory=TableFilter)
    view: TableView | None = None
    cursor: int = 0

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.view.rows if self.view is not None else ()

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    @property
    def key(self) -> RowKey | None:
        """The subject of the row under the cursor."""
        return self.row.key if self.row is not None else None

    def showing(self, whole: TableView, *, keep: bool) -> TableWindow:
        """The window on a newer table; a cursor that is to `keep`, or was moved, stays on its row while that exists."""
        view = granted(whole, self.wish)
        index = view.index_of(self.key) if keep or self.cursor else 0
        cursor = index if index is not None else max(0, min(self.cursor, len(view.rows) - 1))
        return TableWindow(whole, self.wish, view, cursor)

    def granting(self, wish: TableFilter, *, keep: bool) -> TableWindow:
        """The window with another filter and order."""
        window = replace(self, wish=wish)
        return window.showing(self.whole, keep=keep) if self.whole is not None else window

    def at(self, index: int) -> TableWindow:
        """The window with the cursor on that row, or on the nearest there is."""
        return replace(self, cursor=max(0, min(index, len(self.rows) - 1)))

    def on(self, key: RowKey) -> TableWindow:
        """The window with the cursor on the row of this key, if it is there."""
        index = self.view.index_of(key) if self.view is not None else None
        return self.at(index) if index is not None else self

    def has_content_of(self, other: TableWindow) -> bool:
        """Whether both show the same rows and columns."""
        mine, its = self.view, other.view
        if mine is None or its is None:
            return mine is its
        return (mine.rows, mine.columns, mine.empty) == (its.rows, its.columns, its.empty)


def pane_head(
    view: TableView,
    number: int | None,
    width: int,
    now: datetime,
    *,
    focused: bool,
    below: int = 0,
    notes: tuple[str, str] = ("", ""),
) -> Line:
    """A line of exactly `width` cells; `below` rows do not fit and are announced.

    `notes` are e.g. the active filter, long and short.
    """
    mark = Cell(MARK if focused else NO_MARK, Tone.ACCENT)
    name = Cell(f"[{number}] {view.title}" if number is not None else view.title)
    right = _right(view, now, below)
    room = width - 1 - width_of(name.text) - width_of(right.text) - 3
    gist = _gist(view.summaries, room, notes)
    return (mark, name, Cell("  "), padded(gist, max(room, 0)), Cell(" "), right)


def _right(view: TableView, now: datetime, below: int) -> Cell:
    aged = Cell("") if view.ageless else age(view.at, now, warn_s=view.warn_s)
    return Cell(f"▼{below} {aged.text}".rstrip(), aged.tone) if below else aged


def _gist(summaries: tuple[Cell, ...], width: int, notes: tuple[str, str]) -> Cell:
    """The longest summary that fits; beside a note that leaves no room for one only the note."""
    note, short_note = notes
    cells = summaries
    if note:
        both = (Cell(f"{each} {cell.text}", cell.tone) for each in (note, short_note) for cell in summaries)
        cells = (*both, Cell(note), Cell(short_note))
    if not cells:
        return Cell("")
    return next((cell for cell in cells if width_of(cell.text) <= width), cells[-1])
