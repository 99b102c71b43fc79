"""Windows over the dashboard: a text about one thing, and help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import ModalScreen

from haconsole.present.cells import Cell
from haconsole.present.detail import Detail, Fact, Heading
from haconsole.ui.keys import Key, Scope, bindings
from haconsole.ui.panes.bar import KeyBar
from haconsole.ui.panes.text import TextPane

if TYPE_CHECKING:
    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.state import ConsoleState

DetailSource = Callable[["ConsoleState", datetime], Detail | None]
"""Makes the window's text from the console's state and the time, again whenever either changes."""


class TextWindow(ModalScreen[None]):
    """A text in a window; it follows the console's state while it is open."""

    BINDINGS = bindings(Scope.OVERLAY)
    app: ConsoleApp

    def __init__(self, details: DetailSource, *, absence: str = "It no longer exists.") -> None:
        super().__init__()
        self._details = details
        self._text = TextPane(id="window", hint=absence)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of the active keys."""
        return (Scope.OVERLAY, Scope.TEXT)

    def compose(self) -> ComposeResult:
        yield self._text
        yield KeyBar()

    def on_mount(self) -> None:
        self._text.focus()
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._draw, init=False)

    def _draw(self) -> None:
        self._text.show(self._details(self.app.state, self.app.now))

    def action_close(self) -> None:
        self.dismiss()


class FindingWindow(TextWindow):
    """The details of a finding; a key starts a fix, or the fix of that number, if it is an action."""

    BINDINGS = bindings(Scope.FINDING, Scope.FIXES)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        fixable = (Scope.FINDING, Scope.FIXES) if self.app.action_controller.fixable else ()
        return (Scope.OVERLAY, *fixable, Scope.TEXT)

    def _draw(self) -> None:
        super()._draw()
        self.query_one(KeyBar).tell()


def help_text(keys: tuple[Key, ...]) -> Detail:
    """The help screen: every key of these, section by section."""
    items: list[Heading | Fact] = []
    for scope in Scope:
        mine = [key for key in keys if key.scope is scope and key.help]
        if mine:
            items.append(Heading(str(scope)))
            items.extend(Fact(key.shown, Cell(key.help)) for key in mine)
    return Detail("keys", tuple(items))
