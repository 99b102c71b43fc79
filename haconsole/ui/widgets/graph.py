"""Lanes and curves on one time axis, with a cursor at a row and a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual import events

from haconsole.present.cells import Cell, Line, Tone, padded
from haconsole.present.graph import (
    GraphRow,
    GraphWindow,
    axis_line,
    chart_width,
    first_span,
    graph_rows,
    graph_title,
    label_width,
    row_line,
    short_labels,
)
from haconsole.present.log_place import LogPlace
from haconsole.present.one_host import graph_rows_of
from haconsole.ui.console import NO_JOURNALS, KeyTarget
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import ShowJournal
from haconsole.ui.widgets.lines import Pane

if TYPE_CHECKING:
    from haconsole.model.lanes import Chronicle
    from haconsole.present.graph import LaneRow

HEAD = 2
NOTHING_YET = "? nothing yet: states and figures are shown here as they are read"


class GraphPane(KeyTarget, Pane):
    """Draws the rows of a chronicle that fit; `runs` are lanes of logged runs."""

    BINDINGS = bindings(Scope.GRAPH)

    def __init__(self) -> None:
        super().__init__(id="graph")
        self.window = GraphWindow()
        self.runs: tuple[LaneRow, ...] = ()
        self._chronicle: Chronicle | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        self._selected: GraphRow | None = None
        self._rows: tuple[GraphRow, ...] = ()
        self._top = 0
        self._is_window_chosen = False
        """Whether a person zoomed or moved; until then the span grows with what is known."""

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        return NO_JOURNALS if action == "journal" and self.app.setting.recorded else None

    def show(self, chronicle: Chronicle | None, now: datetime) -> None:
        """Draw what is known at `now`."""
        self._chronicle, self._now = chronicle, now
        self._draw()

    def _draw(self) -> None:
        width, room = self.size.width, max(self.size.height - HEAD, 0)
        if width <= 0:
            return
        if self._chronicle is not None:
            if not self._is_window_chosen:
                self.window = GraphWindow(first_span(self._chronicle, self._now))
            self._rows = graph_rows(self._chronicle, self.window, self._now, self.runs)
        if self.app.only_host is not None:
            self._rows = graph_rows_of(self._rows, self.app.only_host)
        head = "head-focused" if self.has_focus else "head"
        place = _place_of(self._selected, self._rows)
        self._selected = self._rows[place] if self._rows else None
        self._top = max(min(self._top, place, len(self._rows) - room), place - room + 1, 0)
        below = max(len(self._rows) - self._top - room, 0)
        limit = f"  only {self.app.only_host}" if self.app.only_host is not None else ""
        more = Cell(f" ▼{below}" if below else "", Tone.MUTED)
        title = padded(Cell(f" {graph_title(self.window, self._now)}{limit}"), width - len(more.text))
        lines: list[tuple[Line, str]] = [((title, more), head), (axis_line(self.window, self._now, width), "titles")]
        if self._chronicle is None or not self._rows:
            lines.append(((Cell(f" {NOTHING_YET}", Tone.UNKNOWN),), ""))
        else:
            labels = short_labels(self._rows)
            lines += (
                (
                    row_line(
                        self._rows[each],
                        self._chronicle,
                        self.window,
                        self._now,
                        width,
                        selected=each == place,
                        label=labels[each],
                    ),
                    "",
                )
                for each in range(self._top, min(self._top + room, len(self._rows)))
            )
        self.paint(tuple(lines))

    def move_by(self, lines: int) -> None:
        if self._rows:
            self._selected = self._rows[max(0, min(_place_of(self._selected, self._rows) + lines, len(self._rows) - 1))]
            self._draw()

    def action_look(self, how: str, by: int) -> None:
        """Move the cursor by cells, the time by half screens, zoom, or follow the time with the cursor at now."""
        window, now = self.window, self._now
        self._is_window_chosen = True
        match how:
            case "step":
                self.window = window.stepped(by, chart_width(self.size.width), now)
            case "pan":
                self.window = window.panned(by / 2, now)
            case "zoom":
                self.window = window.zoomed(by, now)
            case _:
                self.window = GraphWindow(window.span)
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """The row and the moment at the mouse."""
        row, cell, cells = (
            event.y - HEAD + self._top,
            event.x - label_width(self.size.width) - 2,
            chart_width(self.size.width),
        )
        if event.y >= HEAD and row < len(self._rows):
            self._selected = self._rows[row]
        if 0 <= cell < cells:
            self._is_window_chosen = True
            self.window = self.window.on_cell(cell, cells, self._now)
        self._draw()

    def action_journal(self) -> None:
        """The journal at the cursor."""
        at = self.window.cursor(self._now)
        place = LogPlace(at=at)
        if self._selected is not None:
            from haconsole.present.log_of_graph import log_of_graph_row

            place = log_of_graph_row(self._selected, self.app.state.snapshot, at)
        self.post_message(ShowJournal(place))


def _place_of(selected: GraphRow | None, rows: tuple[GraphRow, ...]) -> int:
    """The selected row's place, which rows may have come before; the first one if it is not there."""
    labels = [row.label for row in rows]
    return labels.index(selected.label) if selected is not None and selected.label in labels else 0
