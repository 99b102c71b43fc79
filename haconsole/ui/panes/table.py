"""A pane with a table: head, column titles, rows, a cursor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual import events

from haconsole.present.cells import Cell, Line, wrapped
from haconsole.present.fitting import Fit, fit, row_line, title_line
from haconsole.present.head import pane_head
from haconsole.present.table import TableView
from haconsole.present.table_filter import TableFilter, granted, next_order
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.messages import Copied, RowChosen, RowHighlighted
from haconsole.ui.panes.lines import Pane

if TYPE_CHECKING:
    from haconsole.present.row_keys import RowKey

HEAD = 2


class TablePane(Pane):
    """Draws a TableView. The cursor stays on its row (by key) while rows are added and removed around it."""

    BINDINGS = bindings(Scope.TABLE)

    def __init__(
        self,
        number: int | None = None,
        *,
        id: str | None = None,  # noqa: A002
        always_cursor: bool = False,
    ) -> None:
        super().__init__(id=id)
        self.always_cursor = always_cursor
        self.number = number
        self.view: TableView | None = None
        self.wish = TableFilter()
        self._whole: TableView | None = None
        self._now: datetime | None = None
        self._cursor = 0
        self._top = 0

    @property
    def cursor_key(self) -> RowKey | None:
        rows = self.view.rows if self.view else ()
        return rows[self._cursor].key if self._cursor < len(rows) else None

    def show(self, view: TableView, now: datetime) -> None:
        """Draw `view`, filtered and sorted by the wish; ages are counted to `now`."""
        self._whole = view
        key, view, before = self.cursor_key, granted(view, self.wish), self.view
        self.view, self._now = view, now
        if before is not None and (view.rows, view.columns, view.empty) == (before.rows, before.columns, before.empty):
            self._draw_head()
            return
        index = view.index_of(key) if self.has_focus or self._cursor else 0
        self._cursor = index if index is not None else max(0, min(self._cursor, len(view.rows) - 1))
        self._draw()
        self.post_message(RowHighlighted(self, self.cursor_key))

    def tick(self, now: datetime) -> None:
        """Time has passed: the age in the head may change."""
        if self.view is not None:
            self._now = now
            self._draw_head()

    def grant(self, wish: TableFilter) -> None:
        """Filter and sort by this wish from now on."""
        self.wish = wish
        if self._whole is not None and self._now is not None:
            self.show(self._whole, self._now)

    def go_to(self, key: RowKey) -> None:
        """Put the cursor on the row `key`, if it is there."""
        index = self.view.index_of(key) if self.view else None
        if index is not None:
            self._move_to(index)

    def _draw(self) -> None:
        view, width = self.view, self.size.width
        if view is None or width <= 0:
            return
        room = self._room
        self._top = _top(self._top, self._cursor, len(view.rows), room)
        layout = fit(view, width - 2)
        visible = range(self._top, min(self._top + room, len(view.rows)))
        body = tuple(self._row(view, index, layout) for index in visible)
        titles = (_indented(title_line(view, layout)), "titles")
        self.paint(
            (self._head(view), titles, *body) if view.rows else (self._head(view), *_cell_lines(view.empty, width))
        )

    def _draw_head(self) -> None:
        if self.view is not None and self.lines:
            self.paint((self._head(self.view), *self.lines[1:]))

    def _head(self, view: TableView) -> tuple[Line, str]:
        below = max(len(view.rows) - self._top - self._room, 0)
        now = self._now or datetime.min.replace(tzinfo=UTC)
        note, focused = self.wish.note, self.has_focus
        head = pane_head(view, self.number, self.size.width, now, focused=focused, below=below, note=note)
        return head, "head-focused" if focused else "head"

    @property
    def _room(self) -> int:
        """Rows that can be shown at once."""
        return max(self.size.height - HEAD, 0)

    def _row(self, view: TableView, index: int, layout: Fit) -> tuple[Line, str]:
        on_cursor = index == self._cursor and (self.has_focus or self.always_cursor)
        return _indented(row_line(view, view.rows[index], layout)), "cursor" if on_cursor else ""

    def _move_to(self, index: int) -> None:
        rows = self.view.rows if self.view else ()
        if not rows:
            return
        before, self._cursor = self._cursor, max(0, min(index, len(rows) - 1))
        if before != self._cursor:
            self._draw()
            self.post_message(RowHighlighted(self, self.cursor_key))

    def action_cursor(self, by: int) -> None:
        self._move_to(self._cursor + by)

    def action_page(self, by: int) -> None:
        self._move_to(self._cursor + by * max(self._room, 1))

    def action_edge(self, which: int) -> None:
        self._move_to(0 if which < 0 else len(self.view.rows) if self.view else 0)

    def action_choose(self) -> None:
        if self.cursor_key is not None:
            self.post_message(RowChosen(self, self.cursor_key))

    def action_order(self) -> None:
        if self._whole is not None:
            self.grant(next_order(self._whole, self.wish))

    def action_copy(self) -> None:
        if self.view is not None and self._cursor < len(self.view.rows):
            self.post_message(Copied("  ".join(cell.text for cell in self.view.rows[self._cursor].cells if cell.text)))

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        if focused:
            self.post_message(RowHighlighted(self, self.cursor_key))

    def on_click(self, event: events.Click) -> None:
        row = event.y - HEAD + self._top
        if event.y >= HEAD and self.view and row < len(self.view.rows):
            is_double = row == self._cursor and event.chain > 1
            self._move_to(row)
            if is_double:
                self.action_choose()

    def wheel(self, by: int) -> None:
        self.action_cursor(by)


def _top(top: int, cursor: int, rows: int, room: int) -> int:
    """The first row to show so that the cursor is in view and no space is wasted."""
    if room <= 0:
        return 0
    top = min(top, max(rows - room, 0))
    return cursor if cursor < top else max(top, cursor - room + 1)


def _cell_lines(cell: Cell, width: int) -> tuple[tuple[Line, str], ...]:
    """A sentence instead of rows, in as many lines as it needs."""
    return tuple((_indented((Cell(part, cell.tone),)), "") for part in wrapped(cell.text, max(width - 2, 8)))


def _indented(line: Line) -> Line:
    return (Cell(" "), *line)
