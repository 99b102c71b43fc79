"""One host: its services and facts, and its journal, live."""

from __future__ import annotations

from textual.app import ComposeResult

from haconsole.model.names import HostName
from haconsole.present.arrange import PaneId
from haconsole.present.details.host import about_host
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.screens.journal import JournalScreen
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.split import Split
from haconsole.ui.widgets.text import TextPane


class HostScreen(JournalScreen):
    """Follows the console's state and the host's journal side by side, or one above the other on a narrow screen."""

    BINDINGS = bindings(Scope.HOST)

    def __init__(self, host: HostName) -> None:
        super().__init__((host,), pane_id=PaneId.DETAIL)
        self._text = TextPane(id=PaneId.STEPS, hint="the host is no longer in the inventory")
        self._first = self._text

    def compose(self) -> ComposeResult:
        yield Split(self._text, self.pane, percent=46)
        yield KeyBar()

    def on_mount(self) -> None:
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._draw, init=False)

    def _draw(self) -> None:
        snapshot = self.app.state.snapshot
        (host,) = self.hosts
        self._text.show(about_host(snapshot, host, self.app.now) if snapshot is not None else None)

    def action_other(self) -> None:
        """Between facts and journal."""
        (self.pane if self._text.has_focus else self._text).focus()
