"""The dashboard: the cluster's state above, the panes, the active keys below."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.app import ComposeResult

from haconsole.present.arrange import PaneId
from haconsole.present.bar import BarView
from haconsole.present.waiting import waiting_tables
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import NO_FINDING, NO_FIX, RowChosen, RowHighlighted, ShowDetails
from haconsole.ui.screens.filtered import FilteredScreen
from haconsole.ui.widgets.bar import KeyBar, StatusBar
from haconsole.ui.widgets.panes import Panes, hide_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from haconsole.present.detail import Detail
    from haconsole.present.row_keys import RowKey
    from haconsole.present.table import TableView
    from haconsole.ui.console import Console
    from haconsole.ui.widgets.table import TablePane

NOTHING_TO_LEAVE = "there is nothing to leave: no filter is set, and all panes and hosts are shown"


class Dashboard(FilteredScreen):
    """Tables drawn from the console's state, and the details of the row under the cursor if there is room."""

    BINDINGS = bindings(Scope.ALONE, Scope.FINDING)

    def __init__(self) -> None:
        super().__init__()
        self._bar = StatusBar()
        self._panes = Panes()

    def compose(self) -> ComposeResult:
        yield self._bar
        yield self._panes
        if self.app.setting.recorded:
            from haconsole.ui.widgets.seek import SeekBar

            yield SeekBar()
        yield KeyBar()

    def on_mount(self) -> None:
        self._panes.table.focus()
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "only_host", self._draw, init=False)
        self.watch(self.app, "now", partial(_draw_all, self.app, self._bar, self._panes), init=False)
        for name in ("run_view", "backup", "frozen_at"):
            self.watch(self.app, name, self._draw_bar, init=False)
        self.watch(self.app, "hidden_columns", partial(hide_columns, self._panes.tables), init=False)

    def _draw(self) -> None:
        _draw_all(self.app, self._bar, self._panes)
        self.refresh_bindings()

    def _draw_bar(self) -> None:
        """Draw the first line, and the keys of a run."""
        _draw_bar(self.app, self._bar)
        self.refresh_bindings()

    def on_row_highlighted(self, message: RowHighlighted) -> None:
        """Show the details of the row if they have a place, and the keys for it."""
        if message.table is self._panes.table:
            _draw_details(self.app, self._panes)
            self.refresh_bindings()

    def on_row_chosen(self, message: RowChosen) -> None:
        self.post_message(ShowDetails(message.key))

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if action == "back" and self._panes.only is None and not self.needle and self.app.only_host is None:
            return NOTHING_TO_LEAVE
        if (action, parameters) == ("request", ("FixFinding",)):
            return _why_not_fixable(self.app, self.filtered.window.key)
        return None

    def action_back(self) -> None:
        """One step back: out of the filter, then out of the single pane, then to all hosts."""
        if self.needle:
            self.needle = ""
        elif self._panes.only is not None:
            self._panes.show_only(None)
        else:
            self.app.only_host = None

    @property
    def filtered(self) -> TablePane:
        return self._panes.table

    @property
    def needle(self) -> str:
        return self.filtered.window.wish.needle

    @needle.setter
    def needle(self, needle: str) -> None:
        table = self.filtered
        wish = replace(table.window.wish, needle=needle)
        table.window = table.window.granting(wish, keep=table.has_focus)
        self.refresh_bindings()


def _draw_all(console: Console, bar: StatusBar, panes: Panes) -> None:
    """Draw what depends on the state and the time; no key depends on the time."""
    _draw_panes(console, panes)
    _draw_bar(console, bar)
    _draw_details(console, panes)


def _draw_bar(console: Console, bar: StatusBar) -> None:
    bar.show(bar_view(console), console.now)


def _draw_panes(console: Console, panes: Panes) -> None:
    state, now = console.state, console.now
    if state.snapshot is None:
        hosts = tuple((host.name, host.address) for host in console.inventory.hosts)
        views: Mapping[PaneId, TableView] = waiting_tables(hosts, state.link.reason)
    else:
        views = state.tables_at(now, panes.placed())
    if console.only_host is not None:
        if panes.of_host is None:
            from haconsole.present.one_host import HostTables

            panes.of_host = HostTables()
        views = panes.of_host.limit(views, console.only_host, state.snapshot, state.findings)
    panes.draw(views, now)


def _draw_details(console: Console, panes: Panes) -> None:
    """The details of the row under the cursor, if they have a place."""
    if PaneId.DETAIL in panes.placed():
        panes.detail.show(_details(console, panes.table.window.key))


def _details(console: Console, key: RowKey | None) -> Detail | None:
    """The details of a row; None before the first answers."""
    if key is None or console.state.snapshot is None:
        return None
    from haconsole.ui.screens.overlay import details_of

    return details_of(console.state, console.now, key)


def _why_not_fixable(console: Console, key: RowKey | None) -> str | None:
    """The reason why no action fixes the finding at the cursor, else the worst finding; None if one does."""
    if not console.state.findings:
        return NO_FINDING
    from haconsole.present.offers import finding_to_fix

    finding = finding_to_fix(key, console.state.findings)
    return None if finding is not None and finding.calls else NO_FIX


def bar_view(console: Console) -> BarView:
    """The first line of the screen, from the console's state."""
    state, run, kubernetes = console.state, console.run_view, console.inventory.kubernetes
    return BarView.of(
        state.snapshot,
        state.health,
        state.link,
        cluster=console.inventory.cluster,
        hosts_total=len(console.inventory.hosts),
        read_only=console.read_only,
        recorded=console.setting.recorded,
        endpoint=(kubernetes.endpoint or "") if kubernetes else "",
        run=f"{run.plan.action} {len(run.ended)}/{len(run.plan.steps)}" if run is not None and not run.over else "",
        own_run=run.run if run is not None else "",
        own_process=console.setting.process,
        backup=console.backup,
        frozen_at=console.frozen_at,
        only_host=console.only_host or "",
    )


def current_pane(console: Console) -> TablePane | None:
    """The table of the dashboard that has or last had the focus."""
    dashboard = console.screen_stack[0]
    return dashboard.filtered if isinstance(dashboard, Dashboard) else None


def subject_of(console: Console) -> RowKey | None:
    """The subject of the newest screen that is about one, otherwise the one under the dashboard's cursor."""
    for screen in reversed(console.screen_stack):
        subject: RowKey | None = getattr(screen, "subject", None)
        if subject is not None:
            return subject
    dashboard = console.screen_stack[0]
    return dashboard.filtered.window.key if isinstance(dashboard, Dashboard) else None
