"""The window for prompts that only a person can answer; the console continues behind it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import WorkerCancelled

from haconsole.present.cells import Cell
from haconsole.present.detail import Detail, Sentence
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.prompt import Line
from haconsole.ui.widgets.text import TextPane

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

T = TypeVar("T")


class YesNoQuestion(ModalScreen[bool]):
    """Ends with True only by the key for yes."""

    BINDINGS = bindings(Scope.YES_NO)

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


class SecretLine(Line):
    """An input whose text is shown as dots."""

    BINDINGS = bindings(Scope.SECRET)

    def __init__(self) -> None:
        super().__init__(password=True)


class SecretQuestion(ModalScreen[str | None]):
    """Prompts for a passphrase or password, shown as dots; ends with None when cancelled."""

    def __init__(self, title: str, why: str) -> None:
        super().__init__()
        self._text = TextPane(id="window")
        self._question = Detail(title, (Sentence(Cell(why)),))

    def compose(self) -> ComposeResult:
        yield self._text
        yield SecretLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self._text.can_focus = False
        self._text.show(self._question)
        self.query_one(SecretLine).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value or None)


async def answer(app: App[Any], question: Detail) -> bool:
    """Whether a person answered yes; for code outside message handlers, which would block the screen."""
    return await result_of(app, YesNoQuestion(question)) is True


async def result_of(app: App[Any], screen: Screen[T]) -> T | None:
    """The result of a screen; None if the app ends before. A cancelled wait closes the screen."""
    worker = app.run_worker(app.push_screen_wait(screen), name="question", exit_on_error=False)
    try:
        return await worker.wait()
    except WorkerCancelled:
        if screen.is_attached:
            screen.dismiss()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from None
        return None
