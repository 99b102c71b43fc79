"""The dashboard's middle: every pane in its place, or one of them with the details of its row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual import events
from textual.containers import Container
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement

from haconsole.present.arrange import MAIN_PERCENT, Box, PaneId, arrange, focused
from haconsole.present.cells import Tone
from haconsole.present.table_window import TableWindow
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import RowHighlighted
from haconsole.ui.widgets.findings import FindingsPane
from haconsole.ui.widgets.table import TablePane
from haconsole.ui.widgets.text import TextPane

if TYPE_CHECKING:
    from textual.widget import Widget

    from haconsole.present.one_host import HostTables
    from haconsole.present.table import TableView

ORDER = (
    PaneId.ETCD,
    PaneId.VIPS,
    PaneId.HAPROXY,
    PaneId.LEASES,
    PaneId.HOSTS,
    PaneId.FINDINGS,
    PaneId.EVENTS,
    PaneId.CERTIFICATES,
    PaneId.NODES,
)
"""The panes with tables, in the order of their numbers."""
SHARES = {PaneId.EVENTS: (75, 75), PaneId.CERTIFICATES: (72, 50)}
"""Of a screen with only that pane, the share of a long table, of a wide screen's width and of another's height."""


class PaneLayout(Layout):
    """Places the panes by `arrange` or `focused`."""

    name = "panes"

    def __init__(self) -> None:
        self.rows: dict[PaneId, int] = {}
        self.only: PaneId | None = None

    def boxes(self, size: Size) -> dict[PaneId, Box]:
        if self.only is not None:
            rows, (wide, tall) = self.rows.get(self.only, 0), SHARES.get(self.only, (MAIN_PERCENT, 50))
            return focused(size.width, size.height, self.only, rows, percent=wide, tall_percent=tall)
        return arrange(size.width, size.height, self.rows)

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        boxes = self.boxes(size)
        return [
            WidgetPlacement(Region(box.x, box.y, box.width, box.height), NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if (box := boxes.get(PaneId(child.id or ""))) is not None
        ]


class Panes(Container):
    """The tables, of which one is `current`, and the text about its row; `only` is the single table shown, if any."""

    BINDINGS = bindings(Scope.DASHBOARD)

    def __init__(self) -> None:
        self.tables = {pane: _table(pane, number) for number, pane in enumerate(ORDER, 1)}
        self.detail = TextPane(id=PaneId.DETAIL, hint="the details of the row under the cursor are shown here")
        super().__init__(*self.tables.values(), self.detail, id="panes")
        self.of_host: HostTables | None = None
        """The tables of one host; None until only one was shown."""
        self._placing = PaneLayout()
        self._views: Mapping[PaneId, TableView] = {}
        self._now: datetime | None = None
        self.current = PaneId.ETCD
        self.only: PaneId | None = None

    @property
    def layout(self) -> Layout:
        return self._placing

    @property
    def table(self) -> TablePane:
        """The table that has or last had the focus."""
        return self.tables[self.current]

    def placed(self) -> tuple[PaneId, ...]:
        """The panes that have a place now, in the order of their numbers, the details last."""
        boxes = self._placing.boxes(self.size)
        return tuple(pane for pane in (*ORDER, PaneId.DETAIL) if pane in boxes)

    def draw(self, views: Mapping[PaneId, TableView], now: datetime) -> None:
        """Draw the tables that have a place; the others when they get one."""
        self._views, self._now = views, now
        self._draw_placed()
        before = self.placed()
        self._place()
        if set(self.placed()) - set(before):
            self._draw_placed()
            self._place()
        if self.current not in self.placed() and self.screen.focused in (None, self.table):
            self.tables[self.placed()[0]].focus()

    def show_only(self, pane: PaneId | None) -> None:
        """Show one single pane, or all of them again."""
        self.only = pane
        if self._now is not None:
            self.draw(self._views, self._now)
        pane_to_keep = self.current if self.current in self.placed() else PaneId.ETCD
        self.tables[pane or pane_to_keep].focus()
        self.call_after_refresh(self._report)

    def action_pane(self, number: int) -> None:
        """Enter the pane of that number; one without a place is shown as the single pane."""
        pane = ORDER[number - 1]
        if self.only is None and pane in self.placed():
            self.tables[pane].focus()
        else:
            self.show_only(pane)

    def action_step(self, by: int) -> None:
        """Enter the pane that is `by` places on."""
        there = self.placed()
        here = PaneId.DETAIL if self.detail.has_focus else self.current
        to = there[(there.index(here) + by) % len(there)] if here in there else there[0]
        (self.detail if to is PaneId.DETAIL else self.tables[to]).focus()

    def action_only(self, pane: str = "") -> None:
        """Show only that pane; without a name only the current one, or all again."""
        self.show_only(PaneId(pane) if pane else None if self.only else self.current)

    def action_wrong(self) -> None:
        """Show only rows with something wrong or unknown, in all tables, or all rows again."""
        wrong = not self.table.window.wish.wrong
        for table in self.tables.values():
            table.window = table.window.granting(replace(table.window.wish, wrong=wrong), keep=table.has_focus)
        self._place()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, TablePane):
            self.current = PaneId(event.widget.id or "")

    def on_resize(self) -> None:
        if self._now is not None:
            self.call_after_refresh(self.draw, self._views, self._now)
            self.call_after_refresh(self._report)

    def _report(self) -> None:
        """The row is the same, and there may be room for its details now."""
        self.post_message(RowHighlighted(self.table, self.table.window.key))

    def _draw_placed(self) -> None:
        for pane in self.placed():
            if pane in self._views and self._now is not None:
                self.tables[pane].show(self._views[pane], self._now)

    def _place(self) -> None:
        """Place the panes again if their requested rows, or the single pane, changed."""
        rows = {pane: wanted_rows(table.window) for pane, table in self.tables.items()}
        if (rows, self.only) != (self._placing.rows, self._placing.only):
            self._placing.rows, self._placing.only = rows, self.only
            self.children[0].refresh(layout=True)  # a child's request makes its parent forget where the children were


def _table(pane: PaneId, number: int) -> TablePane:
    return FindingsPane(number, id=pane) if pane is PaneId.FINDINGS else TablePane(number, id=pane)


def hide_columns(tables: Mapping[PaneId, TablePane], columns: Mapping[str, frozenset[str]]) -> None:
    """Leave these columns out, by pane."""
    for pane, table in tables.items():
        titles = columns.get(pane, frozenset())
        if titles != table.window.wish.hidden_titles:
            wish = replace(table.window.wish, hidden_titles=titles)
            table.window = table.window.granting(wish, keep=table.has_focus)


def wanted_rows(window: TableWindow) -> int:
    """The rows that a table would like to show; a sentence instead of them needs one, unless all is well."""
    view = window.view
    return len(window.rows) or int(view is not None and view.empty.tone is not Tone.GOOD)
