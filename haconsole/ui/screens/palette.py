"""The palette: every command by name, found by typing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from haconsole.ui.keys import Scope
from haconsole.ui.messages import RowChosen
from haconsole.ui.panes.prompt import Prompt
from haconsole.ui.panes.table import TablePane
from haconsole.ui.present.narrow import Wish
from haconsole.ui.present.palette import Command, commands_table
from haconsole.ui.present.subjects import CommandSubject

if TYPE_CHECKING:
    from haconsole.ui.app import ConsoleApp


class Palette(ModalScreen[str | None]):
    """Ends with the action of the command that was chosen, None when left."""

    app: ConsoleApp
    scopes = (Scope.EVERYWHERE,)
    BINDINGS = [  # noqa: RUF012
        Binding("down,ctrl+n", "row(1)", show=False, priority=True),
        Binding("up,ctrl+p", "row(-1)", show=False, priority=True),
    ]

    def __init__(self, commands: tuple[Command, ...]) -> None:
        super().__init__()
        self._commands = commands
        self._table = TablePane(id="commands", always_cursor=True)
        self._prompt = Prompt("", placeholder="what do you want to do?")

    def compose(self) -> ComposeResult:
        yield self._prompt
        yield self._table

    def on_mount(self) -> None:
        self._table.show(commands_table(self._commands), self.app.now)

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        self._table.grant(Wish(message.text))

    def on_prompt_left(self, message: Prompt.Left) -> None:
        subject = self._table.cursor_key if message.kept else None
        self.dismiss(subject.action if isinstance(subject, CommandSubject) else None)

    def on_row_chosen(self, message: RowChosen) -> None:
        if isinstance(message.key, CommandSubject):
            self.dismiss(message.key.action)

    def action_row(self, by: int) -> None:
        self._table.action_cursor(by)
