"""The window that shows and hides columns of a pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import ModalScreen

from haconsole.present.cells import Cell, Tone
from haconsole.present.row_keys import CommandKey
from haconsole.present.table import Column, Row, TableView
from haconsole.ui.console import KeyTarget
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.table import TablePane

if TYPE_CHECKING:
    from haconsole.ui.console import Console

HINT = "the first column is always shown"


class ColumnWindow(KeyTarget, ModalScreen[None]):
    """Lists the columns of a pane; each change is passed to `apply` at once as the titles to hide."""

    BINDINGS = bindings(Scope.COLUMNS)
    app: Console

    def __init__(
        self, pane: str, titles: tuple[str, ...], hidden_titles: frozenset[str], apply: Callable[[frozenset[str]], None]
    ) -> None:
        super().__init__()
        self._pane = pane
        self._titles = titles
        self._hidden_titles = hidden_titles
        self._apply = apply
        self._table = TablePane(id="columns", always_cursor=True)

    def compose(self) -> ComposeResult:
        yield self._table
        yield KeyBar()

    def on_mount(self) -> None:
        self._table.focus()
        self._draw()

    def on_row_chosen(self) -> None:
        self.action_switch()

    def action_switch(self) -> None:
        """Hide or show the column under the cursor."""
        key = self._table.window.key
        if isinstance(key, CommandKey) and key.action != self._titles[0]:
            self._hidden_titles ^= {key.action}
            self._apply(self._hidden_titles)
            self._draw()

    def _draw(self) -> None:
        rows = tuple(
            Row(CommandKey(title), (_state(title in self._hidden_titles), Cell(title or "SIGN")))
            for title in self._titles
        )
        columns = (Column("SHOWN"), Column("COLUMN"))
        title = f"columns of {self._pane}"
        self._table.show(TableView(title, columns, rows, None, (Cell(HINT, Tone.MUTED),), ageless=True), self.app.now)


def _state(is_hidden: bool) -> Cell:
    return Cell("○ hidden", Tone.MUTED) if is_hidden else Cell("● shown", Tone.GOOD)
