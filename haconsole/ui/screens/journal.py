"""The journals of one host or of all, followed as they are written; those of one host beside its services and facts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from haconsole.model.names import HostName
from haconsole.present.ages import clock
from haconsole.present.arrange import PaneId
from haconsole.present.row_keys import HostKey
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import ReadJournal, SaveJournal
from haconsole.ui.screens.filtered import FilteredScreen
from haconsole.ui.screens.overlay import details_of
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.journal import JournalPane
from haconsole.ui.widgets.split import MANY, Split
from haconsole.ui.widgets.text import TextPane

if TYPE_CHECKING:
    from textual.widget import Widget


FACTS_PERCENT = 80
"""Of the screen of a host in a recording, which has no journals, the share of the facts."""


class JournalScreen(FilteredScreen):
    """The logs of `hosts`, which arrive in `pane` while the screen is open; or those `around` a moment only.

    They are of all units and static pods, or of the component `part`.
    """

    BINDINGS = bindings(Scope.LOGS)
    HINT = "lines that match: text, regular expression, !TEXT"

    def __init__(
        self,
        hosts: tuple[HostName, ...],
        *,
        pane_id: str = "journal",
        around: datetime | None = None,
        part: str = "",
    ) -> None:
        super().__init__()
        self.hosts = hosts
        self.around = around
        self.part = part
        when = f" at {clock(around)} UTC" if around is not None else ""
        log = f"log of {part} on" if part else "journal of"
        self.pane = JournalPane(f"{log} {', '.join(hosts)}{when}", hosts, id=pane_id)
        if around is not None:
            self.pane.hint = "reading the lines of that time"
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


class HostScreen(JournalScreen):
    """Follows the console's state and the host's journal side by side, or one above the other on a narrow screen."""

    BINDINGS = bindings(Scope.HOST)

    def __init__(self, host: HostName) -> None:
        super().__init__((host,), pane_id=PaneId.DETAIL)
        self.subject = HostKey(host)
        self._text = TextPane(id=PaneId.STEPS, hint="the host is no longer in the inventory")
        self._first = self._text

    def compose(self) -> ComposeResult:
        split = Split(self._text, self.pane, percent=FACTS_PERCENT if self.app.setting.recorded else 46)
        if self.app.setting.recorded:
            split.seat(MANY, tall_percent=FACTS_PERCENT)
        yield split
        yield KeyBar()

    def on_mount(self) -> None:
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._draw, init=False)

    def _draw(self) -> None:
        (host,) = self.hosts
        self._text.show(details_of(self.app.state, self.app.now, HostKey(host)))

    def action_other(self) -> None:
        """Between facts and journal."""
        (self.pane if self._text.has_focus else self._text).focus()
