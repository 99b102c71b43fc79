"""The palette: every command by name, found by typing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Sentence
from haconsole.present.palette import Command, commands_table, ranked
from haconsole.present.row_keys import CommandKey
from haconsole.ui.messages import RowChosen
from haconsole.ui.widgets.lines import END
from haconsole.ui.widgets.prompt import Prompt
from haconsole.ui.widgets.table import TablePane
from haconsole.ui.widgets.text import TextPane

if TYPE_CHECKING:
    from haconsole.ui.console import Console


class Palette(ModalScreen[str | None]):
    """Ends with the action of the command that was chosen, None when left."""

    app: Console
    BINDINGS = [  # noqa: RUF012
        Binding("down,ctrl+n", "row(1)", show=False, priority=True),
        Binding("up,ctrl+p", "row(-1)", show=False, priority=True),
    ]

    def __init__(self, title: str, commands: tuple[Command, ...], *, key_title: str = "KEY") -> None:
        super().__init__()
        self._title = title
        self._key_title = key_title
        self._commands = commands
        self._help = TextPane(id="chosen")
        self._table = TablePane(id="commands", always_cursor=True)
        self._prompt = Prompt("", placeholder="which command?")

    def compose(self) -> ComposeResult:
        yield self._prompt
        yield self._table
        yield self._help

    def on_mount(self) -> None:
        self._help.can_focus = False
        self._show_matching("")

    def on_row_highlighted(self) -> None:
        """Show the command under the cursor in full: its description may not fit its row."""
        subject = self._table.window.key
        command = next((each for each in self._commands if CommandKey(each.action) == subject), None)
        self._help.show(_about(command) if command else None)

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        self._show_matching(message.text)
        self._table.move_by(-END)

    def _show_matching(self, typed: str) -> None:
        matching = ranked(self._commands, typed)
        self._table.show(commands_table(self._title, matching, key_title=self._key_title), self.app.now)

    def on_prompt_left(self, message: Prompt.Left) -> None:
        subject = self._table.window.key if message.keep else None
        self.dismiss(subject.action if isinstance(subject, CommandKey) else None)

    def on_row_chosen(self, message: RowChosen) -> None:
        if isinstance(message.key, CommandKey):
            self.dismiss(message.key.action)

    def action_row(self, by: int) -> None:
        self._table.move_by(by)


def _about(command: Command) -> Detail:
    """A command in full, with the guardrail that stops it first."""
    guardrail = Sentence(Cell(f"guardrail: {command.stopped}", Tone.WARNING), "✖")
    return Detail(command.name, (*((guardrail,) if command.stopped else ()), Sentence(Cell(command.help))))
