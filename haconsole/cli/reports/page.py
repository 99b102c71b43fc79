"""Views as plain text, for people and for logs: the tables and details of the screen, complete."""

from __future__ import annotations

from collections.abc import Iterable

from haconsole.present.cells import Cell, Tone, sized, text_of, width_of
from haconsole.present.detail import Detail, detail_lines
from haconsole.present.table import Row, TableView

REMEMBERED = "  in parentheses: last known, not current"


def table_lines(view: TableView) -> tuple[str, ...]:
    """The view's title with its summary, the columns' titles, and each row complete."""
    summary = view.summaries[0].text if view.summaries else ""
    title = f"{view.title}: {summary}" if summary else view.title
    if not view.rows:
        return (title,) if summary else (f"{view.title}: {view.empty.text}",)
    head = tuple(column.title for column in view.columns)
    cells = [head, *(_texts(row) for row in view.rows if not row.heading)]
    widths = tuple(max(width_of(row[number]) for row in cells) for number in range(len(head)))
    rights = tuple(column.right for column in view.columns)
    lines = (_aligned(head, widths, rights), *(_row(row, widths, rights) for row in view.rows))
    legend = (REMEMBERED,) if any(_remembered(row, cell) for row in view.rows for cell in row.cells) else ()
    return (title, *lines, *legend)


def _row(row: Row, widths: tuple[int, ...], rights: tuple[bool, ...]) -> str:
    cells = _texts(row)
    return "  " + "  ".join(filter(None, cells)) if row.heading else _aligned(cells, widths, rights)


def _texts(row: Row) -> tuple[str, ...]:
    """The cells' texts; what is only remembered is in parentheses, but for the row's name."""
    first, *others = row.cells
    return (first.text, *(f"({cell.text})" if _remembered(row, cell) else cell.text for cell in others))


def _remembered(row: Row, cell: Cell) -> bool:
    """Whether the cell shows an earlier observation of a host that does not answer now."""
    return bool(cell.text) and (cell.tone is Tone.STALE or (row.stale and cell.tone is not Tone.UNKNOWN))


def _aligned(cells: Iterable[str], widths: tuple[int, ...], rights: tuple[bool, ...]) -> str:
    columns = (sized(cell, width, right=right) for cell, width, right in zip(cells, widths, rights, strict=True))
    return "  " + "  ".join(columns).rstrip()


def detail_text(detail: Detail, *, width: int, indent: int = 2) -> str:
    """The detail's title, then its lines wrapped at `width` columns."""
    lines = (text_of(line).rstrip() for line in detail_lines(detail, max(width - indent, 20)))
    return "\n".join((detail.title, *(" " * indent + line if line else "" for line in lines)))
