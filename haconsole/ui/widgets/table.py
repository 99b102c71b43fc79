"""A pane with a table: head, column titles, rows, a cursor."""

from __future__ import annotations

from datetime import UTC, datetime

from textual import events
from textual.reactive import var

from haconsole.present.cells import Cell, Line, wrapped
from haconsole.present.fitting import column_at, fit, row_line, title_line
from haconsole.present.table import TableView
from haconsole.present.table_filter import next_order, ordered_by
from haconsole.present.table_window import TableWindow, pane_head
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import Copy, RowChosen, RowHighlighted
from haconsole.ui.widgets.lines import Pane

HEAD = 2
OF_ROWS = ("row", "copy")


class TablePane(Pane):
    """Draws a TableWindow. The cursor stays on its row (by key) while rows are added and removed around it."""

    BINDINGS = bindings(Scope.TABLE)
    window: var[TableWindow] = var(TableWindow(), init=False)

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
        self._now = datetime.min.replace(tzinfo=UTC)
        self._top = 0

    def show(self, view: TableView, now: datetime) -> None:
        """Draw `view`, filtered and sorted by the wish; ages are counted to `now`."""
        self._now = now
        if view is self.window.whole:
            self._draw(only_head=bool(self.lines))
            return
        self.window = self.window.showing(view, keep=self.has_focus)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of rows have no effect without rows, and a single row cannot be sorted."""
        if (action, parameters) == ("row", ("order",)):
            return len(self.window.rows) > 1
        return bool(self.window.rows) or action not in OF_ROWS

    def watch_window(self, before: TableWindow, window: TableWindow) -> None:
        """Draw what changed: the age in the head at least."""
        if min(len(window.rows), 2) != min(len(before.rows), 2) and self.is_attached:
            self.screen.refresh_bindings()
        if window.cursor == before.cursor and window.has_content_of(before):
            self._draw(only_head=bool(self.lines))
            return
        self._draw()
        self.post_message(RowHighlighted(self, window.key))

    def _draw(self, *, only_head: bool = False) -> None:
        window, view, width = self.window, self.window.view, self.size.width
        if view is None or width <= 0:
            return
        room = max(self.size.height - HEAD, 0)
        self._top = _top(self._top, window.cursor, len(view.rows), room)
        below = max(len(view.rows) - self._top - room, 0)
        notes, focused = (window.wish.note, window.wish.short_note), self.has_focus
        line = pane_head(view, self.number, width, self._now, focused=focused, below=below, notes=notes)
        head = (line, "head-focused" if focused else "head")
        if only_head:
            self.paint((head, *self.lines[1:]))
        elif not view.rows:
            self.paint((head, *_cell_lines(view.empty, width)))
        else:
            cursor = window.cursor if focused or self.always_cursor else -1
            self.paint((head, *_row_lines(view, range(self._top, self._top + room), cursor, width)))

    def move_by(self, lines: int) -> None:
        self.window = self.window.at(self.window.cursor + lines)

    def action_row(self, what: str) -> None:
        """Choose the row under the cursor, or order all rows by the next column."""
        key, whole = self.window.key, self.window.whole
        if what == "choose" and key is not None:
            self.post_message(RowChosen(self, key))
        elif what == "order" and whole is not None:
            self.window = self.window.granting(next_order(whole, self.window.wish), keep=self.has_focus)

    def action_copy(self) -> None:
        row = self.window.row
        if row is not None:
            self.post_message(Copy(row.copied or "  ".join(cell.text for cell in row.cells if cell.text)))

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        if focused:
            self.post_message(RowHighlighted(self, self.window.key))

    def on_click(self, event: events.Click) -> None:
        row = event.y - HEAD + self._top
        view = self.window.view
        if event.y == HEAD - 1 and view is not None and view.rows:
            column = column_at(fit(view, self.size.width - 2), event.x - 1)
            if column is not None:
                self.window = self.window.granting(ordered_by(self.window.wish, column), keep=self.has_focus)
        elif event.y >= HEAD and row < len(self.window.rows):
            is_double = row == self.window.cursor and event.chain > 1
            self.window = self.window.at(row)
            if is_double:
                self.action_row("choose")


def _top(top: int, cursor: int, rows: int, room: int) -> int:
    """The first row to show so that the cursor is in view and no space is wasted."""
    if room <= 0:
        return 0
    top = min(top, max(rows - room, 0))
    return cursor if cursor < top else max(top, cursor - room + 1)


def _row_lines(view: TableView, places: range, cursor: int, width: int) -> tuple[tuple[Line, str], ...]:
    """The titles of the columns, and the rows at these places, in one layout."""
    layout = fit(view, width - 2)
    rows = zip(places, view.rows[places.start : places.stop], strict=False)
    body = ((_indented(row_line(view, row, layout)), "cursor" if place == cursor else "") for place, row in rows)
    return ((_indented(title_line(view, layout)), "titles"), *body)


def _cell_lines(cell: Cell, width: int) -> tuple[tuple[Line, str], ...]:
    """A sentence instead of rows, in as many lines as it needs."""
    return tuple((_indented((Cell(part, cell.tone),)), "") for part in wrapped(cell.text, max(width - 2, 8)))


def _indented(line: Line) -> Line:
    return (Cell(" "), *line)
