"""Lines to type in: a filter, a name, a password."""

from __future__ import annotations

from textual.message import Message
from textual.widgets import Input

from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings


class Line(Input):
    """An input of one line whose cursor does not blink."""

    def __init__(self, value: str = "", *, placeholder: str = "", password: bool = False) -> None:
        super().__init__(
            value, placeholder=placeholder, password=password, compact=True, select_on_focus=False, id="prompt"
        )
        self.cursor_blink = False


class Prompt(Line):
    """Reports every change as it is typed; enter keeps the filter, escape drops it."""

    BINDINGS = bindings(Scope.FILTER)

    class Typed(Message):
        """The text so far."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The prompt is closed; `keep` by enter, dropped by escape."""

        def __init__(self, prompt: Prompt, *, keep: bool) -> None:
            super().__init__()
            self.prompt = prompt
            self.keep = keep

    def __init__(self, text: str, *, placeholder: str) -> None:
        super().__init__(text, placeholder=placeholder)

    def on_mount(self) -> None:
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left(self, keep=True))

    def action_drop(self) -> None:
        self.post_message(self.Typed(""))
        self.post_message(self.Left(self, keep=False))
