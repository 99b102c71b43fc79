"""The first line of a pane: its number, its name, a summary, the age of its data."""

from __future__ import annotations

from datetime import datetime

from haconsole.present.ages import age
from haconsole.present.cells import Cell, Line, Tone, padded, width_of
from haconsole.present.table import TableView

MARK, NO_MARK = "▸", " "


def pane_head(
    view: TableView, number: int | None, width: int, now: datetime, *, focused: bool, below: int = 0, note: str = ""
) -> Line:
    """A line of exactly `width` cells; `below` rows do not fit and are announced, `note` is e.g. the active filter."""
    mark = Cell(MARK if focused else NO_MARK, Tone.ACCENT)
    name = Cell(f"{number} {view.title}" if number is not None else view.title)
    right = _right(view, now, below)
    left = width - 1 - width_of(name.text) - width_of(right.text) - 3
    gist = _gist(view.summaries, left, note)
    return (mark, name, Cell("  "), padded(gist, max(left, 0)), Cell(" "), right)


def _right(view: TableView, now: datetime, below: int) -> Cell:
    aged = Cell("") if view.ageless else age(view.at, now, warn_s=view.warn_s)
    return Cell(f"▼{below} {aged.text}".rstrip(), aged.tone) if below else aged


def _gist(summaries: tuple[Cell, ...], width: int, note: str) -> Cell:
    cells = tuple(Cell(f"{note} {cell.text}", cell.tone) for cell in summaries) if note else summaries
    if not cells:
        return Cell(note)
    return next((cell for cell in cells if width_of(cell.text) <= width), cells[-1])
