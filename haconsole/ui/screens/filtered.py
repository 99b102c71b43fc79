"""A screen whose content is made smaller by a text that is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from haconsole.ui.panes.bar import KeyBar

if TYPE_CHECKING:
    from textual.widget import Widget

    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.panes.prompt import Prompt


class FilteredScreen(Screen[None]):
    """Asks above the keys for the text that what is `filtered` must hold."""

    WHAT = "rows"
    app: ConsoleApp

    @property
    def filtered(self) -> Widget:
        """What has the keys again when the text is typed."""
        raise NotImplementedError

    @property
    def needle(self) -> str:
        """The text looked for, empty when there is none."""
        raise NotImplementedError

    def look_for(self, needle: str) -> None:
        """Show only what holds `needle`; empty shows all."""
        raise NotImplementedError

    def action_filter(self) -> None:
        from haconsole.ui.panes.prompt import Prompt

        if not self.query(Prompt):
            prompt = Prompt(self.needle, placeholder=f"show {self.WHAT} that hold …")
            self.mount(prompt, before=self.query_one(KeyBar))

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        self.look_for(message.text)

    def on_prompt_left(self, message: Prompt.Left) -> None:
        message.prompt.remove()
        self.filtered.focus()
