"""The dashboard: the cluster's state above, the panes, the active keys below."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult

from haconsole.present.arrange import PaneId
from haconsole.present.bar import BarView
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.messages import RowChosen, RowHighlighted
from haconsole.ui.panes.bar import KeyBar, StatusBar
from haconsole.ui.panes.dashboard import ORDER, Panes, details_of
from haconsole.ui.panes.table import TablePane
from haconsole.ui.screens.filtered import FilteredScreen

if TYPE_CHECKING:
    from haconsole.present.row_keys import RowKey
    from haconsole.ui.state import ConsoleState


class Dashboard(FilteredScreen):
    """Tables drawn from the console's state, and the details of the row under the cursor if there is room."""

    BINDINGS = bindings(Scope.DASHBOARD, Scope.ALONE, Scope.FINDING)

    def __init__(self, hosts: tuple[tuple[str, str], ...]) -> None:
        """`hosts` are names and addresses."""
        super().__init__()
        self._panes = Panes(hosts)
        self._keys = KeyBar()

    @property
    def subject(self) -> RowKey | None:
        """The subject under the cursor."""
        return self._panes.table.cursor_key

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of the active keys."""
        panes = self._panes
        if not isinstance(self.focused, TablePane) and self.focused not in (None, panes.detail):
            return (Scope.FILTER,)
        alone = panes.only is not None or self.needle
        return (
            *((Scope.BESIDE,) if self.app.run_controller.under_way else ()),
            *((Scope.ALONE,) if alone else ()),
            *((Scope.FINDING,) if panes.current is PaneId.FINDINGS and self.app.action_controller.fixable else ()),
            Scope.EVERYWHERE,
            Scope.DASHBOARD,
            Scope.TEXT if self.focused is panes.detail else Scope.TABLE,
        )

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield self._panes
        yield self._keys

    def on_mount(self) -> None:
        self._panes.table.focus()
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._tick, init=False)
        self.watch(self.app, "run_view", self._follow_run, init=False)

    def _draw(self, state: ConsoleState) -> None:
        self._panes.draw(state, self.app.now)
        self._draw_bar(self.app.now)
        self._keys.tell()

    def _tick(self, now: datetime) -> None:
        self._panes.tick(self.app.state, now)
        self._draw_bar(now)

    def _follow_run(self) -> None:
        self._draw_bar(self.app.now)
        self._keys.tell()

    def _draw_bar(self, now: datetime) -> None:
        app = self.app
        view = BarView.of(
            app.state.snapshot,
            app.state.health,
            app.state.link,
            cluster=app.inventory.cluster,
            hosts_total=len(app.inventory.hosts),
            read_only=app.read_only,
            recorded=app.setting.recorded,
            endpoint=app.endpoint,
            run=app.run_controller.summary,
            own_run=app.run_view.run if app.run_view is not None else "",
            own_process=app.setting.process,
        )
        self.query_one(StatusBar).show(view, now)

    def _tell(self) -> None:
        self._panes.tell(self.app.state, self.app.now)
        self._keys.tell()

    def on_row_highlighted(self, message: RowHighlighted) -> None:
        if message.pane is self._panes.table:
            self._tell()

    def on_row_chosen(self, message: RowChosen) -> None:
        from haconsole.present.row_keys import FindingKey, HostKey
        from haconsole.ui.screens.overlay import FindingWindow, TextWindow

        subject = message.key
        if isinstance(subject, HostKey) and self.app.state.snapshot is not None:
            from haconsole.ui.screens.host import HostScreen

            self.app.push_screen(HostScreen(subject.host))
            return
        window = FindingWindow if isinstance(subject, FindingKey) else TextWindow
        self.app.push_screen(window(lambda state, now: details_of(state, now, subject)))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, TablePane):
            self._panes.current = PaneId(event.widget.id or "")
            self._tell()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw, self.app.state)

    def action_pane(self, number: int) -> None:
        pane = ORDER[number - 1]
        if not self._panes.go_to(pane):
            self._show_only(pane)

    def action_next_pane(self) -> None:
        self._panes.step(1)

    def action_previous_pane(self) -> None:
        self._panes.step(-1)

    def action_zoom(self) -> None:
        self._show_only(None if self._panes.only else self._panes.current)

    def action_only(self, pane: str) -> None:
        self._show_only(PaneId(pane))

    def action_back(self) -> None:
        """One step back: out of the filter, otherwise out of the single pane."""
        if self.needle:
            self.look_for("")
            self._keys.tell()
        else:
            self._show_only(None)

    def _show_only(self, pane: PaneId | None) -> None:
        self._panes.show_only(pane, self.app.state, self.app.now)
        self.call_after_refresh(self._tell)

    @property
    def filtered(self) -> TablePane:
        return self._panes.table

    @property
    def needle(self) -> str:
        return self.filtered.wish.needle

    def look_for(self, needle: str) -> None:
        self.filtered.grant(replace(self.filtered.wish, needle=needle))
