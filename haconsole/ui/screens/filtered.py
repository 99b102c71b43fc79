"""A screen whose content is filtered by a typed text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from haconsole.ui.panes.bar import KeyBar

if TYPE_CHECKING:
    from textual.widget import Widget

    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.panes.prompt import Prompt


class FilteredScreen(Screen[None]):
    """Prompts above the keys for the text that the `filtered` content must contain."""

    WHAT = "rows"
    app: ConsoleApp

    @property
    def filtered(self) -> Widget:
        """The widget that gets the focus again after the text is typed."""
        raise NotImplementedError

    @property
    def needle(self) -> str:
        """The text of the filter, empty when there is none."""
        raise NotImplementedError

    def look_for(self, needle: str) -> None:
        """Show only content that contains `needle`; empty shows all."""
        raise NotImplementedError

    def action_filter(self) -> None:
        from haconsole.ui.panes.prompt import Prompt

        if not self.query(Prompt):
            prompt = Prompt(self.needle, placeholder=f"show {self.WHAT} that contain …")
            self.mount(prompt, before=self.query_one(KeyBar))

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        self.look_for(message.text)

    def on_prompt_left(self, message: Prompt.Left) -> None:
        message.prompt.remove()
        self.filtered.focus()
