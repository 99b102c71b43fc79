"""Every command that was run on hosts."""

from __future__ import annotations

from haconsole.present.commands import CommandEntry, CommandList, about_command, command_table, logged_commands
from haconsole.present.detail import Detail
from haconsole.present.history import Records
from haconsole.present.row_keys import RowKey
from haconsole.ui.console import UNSET
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import ReadCommands
from haconsole.ui.screens.split import SplitScreen


class CommandScreen(SplitScreen):
    """The commands of this session, as they are run, and those of logged runs, read when the screen opens."""

    BINDINGS = bindings(Scope.COMMANDS)
    PERCENT = 66

    def __init__(self) -> None:
        super().__init__(hint="the command under the cursor is shown here")
        self._list = CommandList((), UNSET)
        self._reads = True
        self._entries: tuple[CommandEntry, ...] = ()

    def on_mount(self) -> None:
        self.watch(self.app, "now", self._draw)
        self.post_message(ReadCommands())

    def show_records(self, records: Records) -> None:
        """Show the commands of these runs too."""
        self._list = CommandList(logged_commands(records), self.app.now)
        self._draw()

    def details_of(self, subject: RowKey) -> Detail | None:
        command = next((command for command, row in self._entries if row.key == subject), None)
        return about_command(command, self.app.now) if command is not None else None

    def action_reads(self) -> None:
        """Show or hide the commands that only read."""
        self._reads = not self._reads
        self._draw()

    def _draw(self) -> None:
        session, now = self.app.session, self.app.now
        self._entries = self._list.entries(session.commands if session is not None else (), now)
        self.show(command_table(self._entries, reads=self._reads, recorded=self.app.setting.recorded))
        self.on_row_highlighted()
