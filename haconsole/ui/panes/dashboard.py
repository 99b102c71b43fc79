"""The dashboard's middle: every pane in its place, or one of them with the details of its row."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.containers import Container
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement

from haconsole.present.arrange import MAIN_PERCENT, Box, PaneId, arrange, focused
from haconsole.present.waiting import waiting_tables
from haconsole.ui.panes.table import TablePane
from haconsole.ui.panes.text import TextPane

if TYPE_CHECKING:
    from textual.widget import Widget

    from haconsole.present.detail import Detail
    from haconsole.present.row_keys import RowKey
    from haconsole.ui.state import ConsoleState

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


class PaneLayout(Layout):
    """Places the panes by `arrange` or `focused`."""

    name = "panes"

    def __init__(self) -> None:
        self.rows: dict[PaneId, int] = {}
        self.only: PaneId | None = None

    def boxes(self, size: Size) -> dict[PaneId, Box]:
        if self.only is not None:
            return focused(size.width, size.height, self.only, self.rows.get(self.only, 0), percent=MAIN_PERCENT)
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

    def __init__(self, hosts: tuple[tuple[str, str], ...]) -> None:
        """`hosts` are names and addresses, shown before the first answers."""
        self._tables = {pane: TablePane(number, id=pane) for number, pane in enumerate(ORDER, 1)}
        self.detail = TextPane(id=PaneId.DETAIL, hint="the details of the row under the cursor are shown here")
        super().__init__(*self._tables.values(), self.detail, id="panes")
        self._placing = PaneLayout()
        self._hosts = hosts
        self.current = PaneId.ETCD
        self.only: PaneId | None = None

    @property
    def layout(self) -> Layout:
        return self._placing

    @property
    def table(self) -> TablePane:
        """The table that has or last had the focus."""
        return self._tables[self.current]

    def placed(self) -> tuple[PaneId, ...]:
        """The panes that have a place now, in the order of their numbers, the details last."""
        boxes = self._placing.boxes(self.size)
        return tuple(pane for pane in (*ORDER, PaneId.DETAIL) if pane in boxes)

    def draw(self, state: ConsoleState, now: datetime) -> None:
        """Draw the known facts, or that the first answers are awaited."""
        if state.snapshot is None:
            for pane, view in waiting_tables(self._hosts, state.link.reason).items():
                self._tables[pane].show(view, now)
        else:
            self._draw_tables(state, now)
        self._seat(state, now)
        self.tell(state, now)

    def tick(self, state: ConsoleState, now: datetime) -> None:
        """Time has passed: ages, and leases that lapse without renewal."""
        if state.snapshot is not None:
            from haconsole.present.leases import leases_table

            self._tables[PaneId.LEASES].show(leases_table(state.snapshot, now), now)
            if PaneId.NODES in self.placed():
                from haconsole.present.nodes import nodes_table

                self._tables[PaneId.NODES].show(nodes_table(state.snapshot, now), now)
        for table in self._tables.values():
            table.tick(now)
        self.tell(state, now)

    def tell(self, state: ConsoleState, now: datetime) -> None:
        """Draw the details of the row under the cursor, if they have a place."""
        if PaneId.DETAIL in self.placed():
            subject = self.table.cursor_key
            self.detail.show(details_of(state, now, subject) if subject is not None else None)

    def show_only(self, pane: PaneId | None, state: ConsoleState, now: datetime) -> None:
        """One single pane, or all of them again."""
        self.only = pane
        self._seat(state, now)
        pane_to_keep = self.current if self.current in self.placed() else PaneId.ETCD
        self._tables[pane or pane_to_keep].focus()

    def step(self, by: int) -> None:
        """To the pane that is `by` places on."""
        there = self.placed()
        here = PaneId.DETAIL if self.detail.has_focus else self.current
        to = there[(there.index(here) + by) % len(there)] if here in there else there[0]
        (self.detail if to is PaneId.DETAIL else self._tables[to]).focus()

    def go_to(self, pane: PaneId) -> bool:
        """Enter the pane if it has a place; returns whether it has."""
        is_visible = self.only is None and pane in self.placed()
        if is_visible:
            self._tables[pane].focus()
        return is_visible

    def _draw_tables(self, state: ConsoleState, now: datetime) -> None:
        """Draw the tables that have a place; the others when they get one."""
        for pane in self.placed():
            if pane is not PaneId.DETAIL:
                self._tables[pane].show(state.tables[pane], now)

    def _seat(self, state: ConsoleState, now: datetime) -> None:
        """Place the panes by their requested rows, and draw those that are new there."""
        before = self.placed()
        self._place()
        if state.snapshot is not None and set(self.placed()) - set(before):
            self._draw_tables(state, now)
            self._place()

    def _place(self) -> None:
        """Place the panes again if their requested rows, or the single pane, changed."""
        rows = {pane: len(table.view.rows) if table.view else 0 for pane, table in self._tables.items()}
        if (rows, self.only) != (self._placing.rows, self._placing.only):
            self._placing.rows, self._placing.only = rows, self.only
            self.children[0].refresh(layout=True)  # a child's request makes its parent forget where the children were


def details_of(state: ConsoleState, now: datetime, subject: RowKey) -> Detail | None:
    """The details of a subject; None before the first answers."""
    if state.snapshot is None:
        return None
    from haconsole.present.details.anything import about

    return about(subject, state.snapshot, state.findings, state.history, now)
