"""The journals of one host or of all, followed as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from haconsole.model.names import HostName
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.messages import ReadJournal, SaveJournal
from haconsole.ui.screens.filtered import FilteredScreen
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.journal import JournalPane

if TYPE_CHECKING:
    from textual.widget import Widget


class JournalScreen(FilteredScreen):
    """The journals of `hosts`, which arrive in `pane` while the screen is open."""

    BINDINGS = bindings(Scope.LOGS)
    WHAT = "lines"

    def __init__(self, hosts: tuple[HostName, ...], *, pane_id: str = "journal") -> None:
        super().__init__()
        self.hosts = hosts
        self.pane = JournalPane(f"journal of {', '.join(hosts)}", hosts, id=pane_id)
        self._first: Widget = self.pane

    def compose(self) -> ComposeResult:
        yield self.pane
        yield KeyBar()

    def on_mount(self) -> None:
        self._first.focus()
        self.post_message(ReadJournal())

    @property
    def filtered(self) -> Widget:
        return self.pane

    @property
    def needle(self) -> str:
        return self.pane.needle

    @needle.setter
    def needle(self, needle: str) -> None:
        self.pane.look_for(needle)

    def action_save(self) -> None:
        """Save the visible lines."""
        self.post_message(SaveJournal(self.pane.matching))

    def action_leave(self) -> None:
        """Out of the filter, otherwise back."""
        if self.needle:
            self.needle = ""
        else:
            self.dismiss()
