"""Base of screens with a table and the details of its selected row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import Screen

from haconsole.present.arrange import PaneId
from haconsole.present.detail import Detail
from haconsole.present.row_keys import RowKey
from haconsole.present.table import TableView
from haconsole.ui.console import KeyTarget
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.split import Split
from haconsole.ui.widgets.table import TablePane
from haconsole.ui.widgets.text import TextPane

if TYPE_CHECKING:
    from haconsole.ui.console import Console


class SplitScreen(KeyTarget, Screen[None]):
    """A screen of one table; the text about a row comes from `details_of`."""

    BINDINGS = bindings(Scope.SPLIT)
    PERCENT = 55
    """The table's share of a wide screen."""
    app: Console

    def __init__(self, *, hint: str = "") -> None:
        super().__init__()
        self.table = TablePane(id=PaneId.STEPS)
        self.text = TextPane(id=PaneId.DETAIL, hint=hint)
        self._split = Split(self.table, self.text, percent=self.PERCENT)

    def compose(self) -> ComposeResult:
        yield self._split
        yield KeyBar()

    def on_mount(self) -> None:
        self.table.focus()

    def show(self, view: TableView, *, tall_percent: int = 50) -> None:
        """Draw the table, below each other with the text in at most `tall_percent` of the height."""
        self.table.show(view, self.app.now)
        self._split.seat(len(view.rows), tall_percent=tall_percent)

    def on_row_highlighted(self) -> None:
        """Draw the text about the row under the cursor, and the keys for it."""
        subject = self.table.window.key
        if subject is not None:
            self.text.show(self.details_of(subject))
        self.refresh_bindings()

    def details_of(self, subject: RowKey) -> Detail | None:
        """The text about a row."""
        raise NotImplementedError

    def on_row_chosen(self) -> None:
        self.text.focus()

    def action_other(self) -> None:
        """Between table and text."""
        (self.table if self.text.has_focus else self.text).focus()
