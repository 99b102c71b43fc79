"""The dashboard: every pane at once, or one of them with all about its row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from textual import events
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
from haconsole.ui.present.arrange import Box, PaneId, arrange, focused
from haconsole.ui.present.bar import BarView
from haconsole.ui.present.waiting import waiting_tables

if TYPE_CHECKING:
    from textual.widget import Widget

    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.panes.prompt import Prompt
    from haconsole.ui.present.detail import Detail
    from haconsole.ui.present.subjects import Subject
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
)
"""The panes with tables, in the order of their numbers."""


class PaneLayout(Layout):
    """Puts the panes where `arrange` or `focused` say."""

    name = "panes"

    def __init__(self) -> None:
        self.rows: dict[PaneId, int] = {}
        self.only: PaneId | None = None

    def boxes(self, size: Size) -> dict[PaneId, Box]:
        if self.only is not None:
            return focused(size.width, size.height, self.only, self.rows.get(self.only, 0))
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

    def seat(self, rows: dict[PaneId, int], only: PaneId | None) -> None:
        """Place the panes anew if what they ask for, or which one is alone, is not what it was."""
        if (rows, only) != (self.placing.rows, self.placing.only):
            self.placing.rows, self.placing.only = rows, only
            self.children[0].refresh(layout=True)  # a child's wish makes its parent forget where the children were

    def placed(self) -> tuple[PaneId, ...]:
        """The panes that have a place now, in the order of their numbers, the details last."""
        boxes = self.placing.boxes(self.size)
        return tuple(pane for pane in (*ORDER, PaneId.DETAIL) if pane in boxes)


class Dashboard(Screen[None]):
    """Tables drawn from the console's state, and all about the row under the cursor where there is room."""

    BINDINGS = bindings(Scope.DASHBOARD, Scope.FINDING)
    app: ConsoleApp

    def __init__(self) -> None:
        super().__init__()
        self._tables = {pane: TablePane(number, id=pane) for number, pane in enumerate(ORDER, 1)}
        self._detail = TextPane(id=PaneId.DETAIL, hint="the row under the cursor is told here in full")
        self._panes = Panes((*self._tables.values(), self._detail))
        self._current = PaneId.ETCD
        self._only: PaneId | None = None

    @property
    def subject(self) -> Subject | None:
        """What the cursor is on."""
        return self._tables[self._current].cursor_key

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of the keys that count now."""
        finding = (Scope.FINDING,) if self._current is PaneId.FINDINGS else ()
        return (Scope.EVERYWHERE, Scope.DASHBOARD, *finding, Scope.TEXT if self._detail.has_focus else Scope.TABLE)

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield self._panes
        yield KeyBar()

    def on_mount(self) -> None:
        self._tables[PaneId.ETCD].focus()
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._tick, init=False)
        self.watch(self.app, "run_view", lambda: self._draw_bar(self.app.now), init=False)

    def _draw(self, state: ConsoleState) -> None:
        now = self.app.now
        if state.snapshot is None:
            waiting = waiting_tables(tuple((host.name, host.address) for host in self.app.inventory.hosts))
            for pane, view in waiting.items():
                self._tables[pane].show(view, now)
        else:
            self._draw_tables(state, now)
        self._seat()
        self._tell()
        self._draw_bar(now)

    def _draw_tables(self, state: ConsoleState, now: datetime) -> None:
        """Draw the tables that have a place; the others when they get one."""
        for pane in self._panes.placed():
            if pane is not PaneId.DETAIL:
                self._tables[pane].show(state.tables[pane], now)

    def _tick(self, now: datetime) -> None:
        """Time went on: ages, and locks that lapse when nobody renews them."""
        snapshot = self.app.state.snapshot
        if snapshot is not None:
            from haconsole.ui.present.leases import leases_table

            self._tables[PaneId.LEASES].show(leases_table(snapshot, now), now)
        for pane in self._tables.values():
            pane.tick(now)
        self._tell()
        self._draw_bar(now)

    def _tell(self) -> None:
        """Draw all about the row under the cursor, where that has a place."""
        if PaneId.DETAIL in self._panes.placed():
            subject = self._tables[self._current].cursor_key
            told = self._told_about(self.app.state, self.app.now, subject) if subject else None
            self._detail.show(told)

    def _told_about(self, state: ConsoleState, now: datetime, subject: Subject) -> Detail | None:
        if state.snapshot is None:
            return None
        from haconsole.ui.present.about.anything import about

        return about(subject, state.snapshot, state.findings, state.history, now)

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
            run=app.runs.told,
            own_run=app.run_view.run if app.run_view is not None else "",
        )
        self.query_one(StatusBar).show(view, now)

    def _seat(self) -> None:
        """Place the panes by what they ask for, and draw those that are new there."""
        before = self._panes.placed()
        self._panes.seat(self._wishes(), self._only)
        state = self.app.state
        if state.snapshot is not None and set(self._panes.placed()) - set(before):
            self._draw_tables(state, self.app.now)
            self._panes.seat(self._wishes(), self._only)

    def _wishes(self) -> dict[PaneId, int]:
        """How many rows each table has."""
        return {pane: len(widget.view.rows) if widget.view else 0 for pane, widget in self._tables.items()}

    def on_row_highlighted(self, message: RowHighlighted) -> None:
        if message.pane.has_focus:
            self._tell()

    def on_row_chosen(self, message: RowChosen) -> None:
        from haconsole.ui.present.subjects import FindingSubject, HostSubject
        from haconsole.ui.screens.overlay import FindingWindow, TextWindow

        subject = message.key
        if isinstance(subject, HostSubject) and self.app.state.snapshot is not None:
            from haconsole.ui.screens.host import HostScreen

            self.app.push_screen(HostScreen(subject.host))
            return
        window = FindingWindow if isinstance(subject, FindingSubject) else TextWindow
        self.app.push_screen(window(lambda state, now: self._told_about(state, now, subject)))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, TablePane):
            self._current = PaneId(event.widget.id or "")
            self._tell()
        self.query_one(KeyBar).show(keys_of(*self.scopes, read_only=self.app.read_only))

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw, self.app.state)

    def action_pane(self, number: int) -> None:
        self._to(ORDER[number - 1])

    def action_next_pane(self) -> None:
        self._step(1)

    def action_previous_pane(self) -> None:
        self._step(-1)

    def action_zoom(self) -> None:
        self._show_only(None if self._only else self._current)

    def action_only(self, pane: str) -> None:
        self._show_only(PaneId(pane))

    def action_back(self) -> None:
        """One step back: out of the filter, else out of the single pane."""
        table = self._tables[self._current]
        if table.wish.needle:
            table.grant(replace(table.wish, needle=""))
        else:
            self._show_only(None)

    def action_filter(self) -> None:
        from haconsole.ui.panes.prompt import Prompt

        self.mount(Prompt(self._tables[self._current].wish.needle), before=self.query_one(KeyBar))

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        table = self._tables[self._current]
        table.grant(replace(table.wish, needle=message.text))

    def on_prompt_left(self, message: Prompt.Left) -> None:
        message.prompt.remove()
        self._tables[self._current].focus()

    def _show_only(self, pane: PaneId | None) -> None:
        self._only = pane
        self._seat()
        placed = self._panes.placed()
        self._tables[pane or (self._current if self._current in placed else PaneId.ETCD)].focus()
        self.call_after_refresh(self._tell)

    def _step(self, by: int) -> None:
        there = self._panes.placed()
        here = PaneId.DETAIL if self._detail.has_focus else self._current
        to = there[(there.index(here) + by) % len(there)] if here in there else there[0]
        (self._detail if to is PaneId.DETAIL else self._tables[to]).focus()

    def _to(self, pane: PaneId) -> None:
        if pane in self._panes.placed() and self._only is None:
            self._tables[pane].focus()
        else:
            self._show_only(pane)
