"""The dashboard: every pane at once, or one of them alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.screen import Screen

from haconsole.ui.keys import Scope, bindings, keys_of
from haconsole.ui.messages import RowChosen, RowHighlighted
from haconsole.ui.panes.bar import KeyBar, StatusBar
from haconsole.ui.panes.table import TablePane
from haconsole.ui.panes.text import TextPane
from haconsole.ui.present.arrange import Box, PaneId, arrange
from haconsole.ui.present.bar import BarView
from haconsole.ui.present.waiting import waiting_tables
from haconsole.ui.screens.overlay import TextWindow

if TYPE_CHECKING:
    from textual.widget import Widget

    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.present.detail import Detail
    from haconsole.ui.present.table import TableView
    from haconsole.ui.state import ConsoleState

ORDER = (
    PaneId.ETCD,
    PaneId.VIPS,
    PaneId.HAPROXY,
    PaneId.LEASES,
    PaneId.HOSTS,
    PaneId.FINDINGS,
    PaneId.EVENTS,
)
"""The panes in the order of their numbers."""


class PaneLayout(Layout):
    """Puts the panes where `arrange` says."""

    name = "panes"

    def __init__(self) -> None:
        self.rows: dict[PaneId, int] = {}
        self.zoomed: PaneId | None = None

    def boxes(self, size: Size) -> dict[PaneId, Box]:
        if self.zoomed is not None:
            return {self.zoomed: Box(0, 0, size.width, size.height)}
        return arrange(size.width, size.height, self.rows)

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        boxes = self.boxes(size)
        return [
            WidgetPlacement(Region(box.x, box.y, box.width, box.height), NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if (box := boxes.get(PaneId(child.id or ""))) is not None
        ]


class Panes(Container):
    """The dashboard's middle."""

    def __init__(self, children: Iterable[Widget]) -> None:
        super().__init__(*children, id="panes")
        self.placing = PaneLayout()

    @property
    def layout(self) -> Layout:
        return self.placing

    def seat(self, rows: dict[PaneId, int], zoomed: PaneId | None) -> None:
        """Place the panes anew if what they ask for, or which one is zoomed, is not what it was."""
        if (rows, zoomed) != (self.placing.rows, self.placing.zoomed):
            self.placing.rows, self.placing.zoomed = rows, zoomed
            self.children[0].refresh(layout=True)  # a child's wish makes its parent forget where the children were


class Dashboard(Screen[None]):
    """Six panes and the timeline, drawn from the console's state."""

    BINDINGS = bindings(Scope.DASHBOARD)
    SCOPES = (Scope.EVERYWHERE, Scope.DASHBOARD, Scope.TABLE)
    app: ConsoleApp

    def __init__(self) -> None:
        super().__init__()
        self._panes = {pane: TablePane(number, id=pane) for number, pane in enumerate(ORDER, 1)}
        self._detail = TextPane(id=PaneId.DETAIL, hint="the row under the cursor is told here in full")
        self._zoomed: PaneId | None = None

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield Panes((*self._panes.values(), self._detail))
        yield KeyBar()

    def on_mount(self) -> None:
        self._panes[PaneId.ETCD].focus()
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._tick, init=False)
        self.query_one(KeyBar).show(keys_of(*self.SCOPES))

    def _draw(self, state: ConsoleState) -> None:
        now = self.app.now
        for pane, view in self._tables(state, now).items():
            self._panes[pane].show(view, now)
        self._seat()
        self._tell()
        self._draw_bar(now)

    def _tables(self, state: ConsoleState, now: datetime) -> dict[PaneId, TableView]:
        if state.snapshot is None:
            return waiting_tables(tuple((host.name, host.address) for host in self.app.inventory.hosts))
        from haconsole.ui.present.tables import dashboard_tables

        return dashboard_tables(state.snapshot, state.findings, state.history, now)

    def _tick(self, now: datetime) -> None:
        """Time went on: ages, and locks that lapse when nobody renews them."""
        snapshot = self.app.state.snapshot
        if snapshot is not None:
            from haconsole.ui.present.leases import leases_table

            self._panes[PaneId.LEASES].show(leases_table(snapshot, now), now)
        for pane in self._panes.values():
            pane.tick(now)
        self._tell()
        self._draw_bar(now)

    def _tell(self) -> None:
        """Draw all about the row under the cursor at the side, where there is room for that."""
        pane = self._panes[self._focused_pane()]
        state, now = self.app.state, self.app.now
        if self._has_place(PaneId.DETAIL) and pane.cursor_key and state.snapshot:
            from haconsole.ui.present.about.anything import about

            self._detail.show(about(pane.cursor_key, state.snapshot, state.findings, state.history, now))

    def on_row_highlighted(self, message: RowHighlighted) -> None:
        if message.pane.has_focus:
            self._tell()

    def on_row_chosen(self, message: RowChosen) -> None:
        from haconsole.ui.present.about.anything import about

        subject = message.key

        def told(state: ConsoleState, now: datetime) -> Detail | None:
            return about(subject, state.snapshot, state.findings, state.history, now) if state.snapshot else None

        self.app.push_screen(TextWindow(told))

    def _draw_bar(self, now: datetime) -> None:
        app = self.app
        view = BarView.of(
            app.state.snapshot,
            app.state.health,
            app.state.link,
            cluster=app.inventory.cluster,
            hosts_total=len(app.inventory.hosts),
            read_only=app.read_only,
            endpoint=app.endpoint,
        )
        self.query_one(StatusBar).show(view, now)

    def _seat(self) -> None:
        rows = {pane: len(widget.view.rows) if widget.view else 0 for pane, widget in self._panes.items()}
        self.query_one(Panes).seat(rows, self._zoomed)

    def action_pane(self, number: int) -> None:
        self._to(ORDER[number - 1])

    def action_next_pane(self) -> None:
        self._step(1)

    def action_previous_pane(self) -> None:
        self._step(-1)

    def action_zoom(self) -> None:
        self._zoomed = None if self._zoomed else self._focused_pane()
        self._seat()

    def _step(self, by: int) -> None:
        there = [pane for pane in ORDER if self._has_place(pane)] if self._zoomed is None else list(ORDER)
        here = self._focused_pane()
        self._to(there[(there.index(here) + by) % len(there)] if here in there else there[0])

    def _to(self, pane: PaneId) -> None:
        if self._zoomed is not None or not self._has_place(pane):
            self._zoomed = pane
            self._seat()
        self._panes[pane].focus()

    def _has_place(self, pane: PaneId) -> bool:
        panes = self.query_one(Panes)
        return pane in panes.placing.boxes(panes.size)

    def _focused_pane(self) -> PaneId:
        focused = self.focused
        return PaneId(focused.id) if isinstance(focused, TablePane) and focused.id else PaneId.ETCD
