"""Base of screens whose content a typed text filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from haconsole.ui.console import KeyTarget
from haconsole.ui.widgets.bar import KeyBar

if TYPE_CHECKING:
    from textual.widget import Widget

    from haconsole.ui.console import Console
    from haconsole.ui.widgets.prompt import Prompt


class FilteredScreen(KeyTarget, Screen[None]):
    """Prompts above the keys for the text that the `filtered` content must match; `HINT` shows what is possible."""

    HINT = "rows that match: text, regular expression, !TEXT, COLUMN=TEXT"
    app: Console

    @property
    def filtered(self) -> Widget:
        """The widget that gets the focus again after the text is typed."""
        raise NotImplementedError

    @property
    def needle(self) -> str:
        """The text of the filter, empty when there is none; setting it shows only content that matches it."""
        raise NotImplementedError

    @needle.setter
    def needle(self, needle: str) -> None:
        raise NotImplementedError

    def action_filter(self) -> None:
        from haconsole.ui.widgets.prompt import Prompt

        if not self.query(Prompt):
            prompt = Prompt(self.needle, placeholder=self.HINT)
            self.mount(prompt, before=self.query_one(KeyBar))

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        self.needle = message.text

    def on_prompt_left(self, message: Prompt.Left) -> None:
        message.prompt.remove()
        self.filtered.focus()
