"""Prompts that only a person can answer, shown while the rest of the console continues."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Input

from haconsole.present.cells import Cell
from haconsole.present.detail import Detail, Sentence
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.panes.bar import KeyBar
from haconsole.ui.panes.prompt import Line
from haconsole.ui.panes.text import TextPane


class YesNoQuestion(ModalScreen[bool]):
    """Ends with True only by the key for yes."""

    BINDINGS = bindings(Scope.YES_NO)
    scopes = (Scope.YES_NO, Scope.TEXT)

    def __init__(self, question: Detail) -> None:
        super().__init__()
        self._text = TextPane(id="window")
        self._question = question

    def compose(self) -> ComposeResult:
        yield self._text
        yield KeyBar()

    def on_mount(self) -> None:
        self._text.show(self._question)
        self._text.focus()

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class SecretQuestion(ModalScreen[str | None]):
    """Prompts for a passphrase or password, shown as dots; ends with None when cancelled."""

    BINDINGS = bindings(Scope.SECRET)
    scopes = (Scope.SECRET,)

    def __init__(self, title: str, why: str) -> None:
        super().__init__()
        self._text = TextPane(id="window")
        self._question = Detail(title, (Sentence(Cell(why)),))

    def compose(self) -> ComposeResult:
        yield self._text
        yield Line(password=True)
        yield KeyBar()

    def on_mount(self) -> None:
        self._text.can_focus = False
        self._text.show(self._question)
        self.query_one(Line).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value or None)

    def action_refuse(self) -> None:
        self.dismiss(None)
