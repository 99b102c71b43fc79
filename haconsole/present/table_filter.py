"""Tables filtered and sorted by a person."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from haconsole.present.cells import Cell
from haconsole.present.table import Row, TableView

NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class TableFilter:
    """Rows must contain `needle`, in any case and any column; `column` sorts (None: the original order)."""

    needle: str = ""
    column: int | None = None
    backwards: bool = False

    @property
    def note(self) -> str:
        return f"/{self.needle}" if self.needle else ""


def granted(view: TableView, wish: TableFilter) -> TableView:
    """The filtered and sorted view; its summaries still cover everything."""
    low = wish.needle.casefold()
    rows = tuple(row for row in view.rows if _holds(row, low)) if low else view.rows
    columns = view.columns
    if wish.column is not None and wish.column < len(columns):
        sorting = wish.column
        rows = tuple(sorted(rows, key=lambda row: _order(row.cells[sorting].text), reverse=wish.backwards))
        arrow = "↓" if wish.backwards else "↑"
        columns = tuple(
            replace(column, title=f"{column.title}{arrow}") if index == sorting else column
            for index, column in enumerate(columns)
        )
    empty = Cell(f"no row contains {wish.needle!r}") if wish.needle and view.rows else view.empty
    return replace(view, rows=rows, columns=columns, empty=empty)


def next_order(view: TableView, wish: TableFilter) -> TableFilter:
    """The next way to sort: each column in turn, ascending then descending, then the original order."""
    if not view.columns:
        return wish
    if wish.column is None:
        return replace(wish, column=0, backwards=False)
    if not wish.backwards:
        return replace(wish, backwards=True)
    following = wish.column + 1
    return replace(wish, column=following if following < len(view.columns) else None, backwards=False)


def _holds(row: Row, needle: str) -> bool:
    return any(needle in cell.text.casefold() for cell in row.cells)


def _order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers within a text count as numbers: cp2 before cp10."""
    parts = NUMBER.split(text.casefold())
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part)
