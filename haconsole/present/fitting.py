"""Fits a table into the screen's width: which columns shrink, which are left out and in which order."""

from __future__ import annotations

import msgspec

from haconsole.present.cells import Cell, Line, Tone, padded, remembered, width_of
from haconsole.present.table import Column, Row, TableView

GAP = 1
ROOMY_GAP = 2


class Fit(msgspec.Struct, frozen=True):
    """The visible columns, their widths and the blanks between; the last one takes the remaining width."""

    columns: tuple[int, ...]
    widths: tuple[int, ...]
    gap: int


def fit(view: TableView, width: int) -> Fit:
    """Leave columns out by rank until the rest fits in `width` cells.

    Columns that may be left out shrink first; columns that always stay shrink only when no other is left.
    """
    natural = _natural(view)
    columns = tuple(index for index, column in enumerate(view.columns) if not column.is_hidden)
    while True:
        fewer = _without_last_rank(view, columns)
        widths = _squeezed(view, columns, natural, width, all_of_them=not fewer)
        if not fewer or sum(widths) + GAP * (len(columns) - 1) <= width:
            return _spread(view, columns, widths, width)
        columns = fewer


def _natural(view: TableView) -> tuple[int, ...]:
    return tuple(
        max((width_of(column.title), *(width_of(row.cells[index].text) for row in view.rows if not row.heading)))
        for index, column in enumerate(view.columns)
    )


def _squeezed(
    view: TableView, columns: tuple[int, ...], natural: tuple[int, ...], width: int, *, all_of_them: bool
) -> tuple[int, ...]:
    widths = {index: natural[index] for index in columns}
    over = sum(widths.values()) + GAP * (len(columns) - 1) - width
    for index in sorted(columns, key=lambda each: _shrinking_order(view.columns[each], natural[each])):
        column = view.columns[index]
        may_shrink = column.rank or all_of_them or column.shrinks_first
        if over > 0 and column.least is not None and widths[index] > column.least and may_shrink:
            cut_width = min(over, widths[index] - column.least)
            widths[index] -= cut_width
            over -= cut_width
    return tuple(widths[index] for index in columns)


def _shrinking_order(column: Column, natural: int) -> tuple[bool, int, int]:
    return (not column.shrinks_first, -column.rank, -natural)


def _without_last_rank(view: TableView, columns: tuple[int, ...]) -> tuple[int, ...]:
    """`columns` without the columns of the highest rank; empty when only those that stay are left."""
    worst = max((view.columns[index].rank for index in columns), default=0)
    return tuple(index for index in columns if view.columns[index].rank < worst) if worst > 0 else ()


def _spread(view: TableView, columns: tuple[int, ...], widths: tuple[int, ...], width: int) -> Fit:
    if not columns:
        return Fit((), (), GAP)
    gaps = len(columns) - 1
    gap = ROOMY_GAP if sum(widths) + ROOMY_GAP * gaps <= width else GAP
    room = width - sum(widths[:-1]) - gap * gaps
    last = widths[-1] if view.columns[columns[-1]].right and widths[-1] <= room else max(room, 1)
    return Fit(columns, (*widths[:-1], last), gap)


def title_line(view: TableView, layout: Fit) -> Line:
    cells = tuple(Cell(column.title, Tone.MUTED) for column in view.columns)
    return _line(view, cells, layout)


def row_line(view: TableView, row: Row, layout: Fit) -> Line:
    """A row of the table; a stale one has the tone and the sign of remembered facts."""
    if row.heading:
        return _heading_line(row, sum(layout.widths) + layout.gap * (len(layout.widths) - 1))
    cells = tuple(map(remembered, row.cells)) if row.stale else row.cells
    return _line(view, cells, layout)


def _heading_line(row: Row, width: int) -> Line:
    """The texts of the cells, side by side in exactly `width` cells."""
    parts: list[Cell] = []
    for cell in (cell for cell in row.cells if cell.text):
        text = f"{' ' * ROOMY_GAP if parts else ''}{cell.text}"
        room = width - sum(width_of(part.text) for part in parts)
        parts.append(padded(Cell(text, cell.tone), min(width_of(text), room)))
    room = width - sum(width_of(part.text) for part in parts)
    return (*parts, Cell(" " * room))


def _line(view: TableView, cells: tuple[Cell, ...], layout: Fit) -> Line:
    parts: list[Cell] = []
    for position, (index, width) in enumerate(zip(layout.columns, layout.widths, strict=True)):
        if position:
            parts.append(Cell(" " * layout.gap))
        column = view.columns[index]
        cell = Cell(cells[index].text[-width:], cells[index].tone) if column.newest else cells[index]
        parts.append(padded(cell, width, right=column.right, both_ends=column.both_ends))
    return tuple(parts)


def column_at(layout: Fit, x: int) -> int | None:
    """The column whose title is `x` cells from the left edge; None between columns."""
    start = 0
    for index, width in zip(layout.columns, layout.widths, strict=True):
        if start <= x < start + width:
            return index
        start += width + layout.gap
    return None


def text_table(view: TableView, width: int) -> str:
    """The complete table as plain text, for reading in tests and for copying."""
    layout = fit(view, width)
    lines = (title_line(view, layout), *(row_line(view, row, layout) for row in view.rows))
    body = "\n".join("".join(cell.text for cell in line).rstrip() for line in lines)
    return body if view.rows else f"{body}\n{view.empty.text}"
