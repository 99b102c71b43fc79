"""Every command that was run on hosts."""

from __future__ import annotations

from haconsole.model.command import HostCommand
from haconsole.present.commands import about_command, command_table, key_of, logged_commands, with_session
from haconsole.present.detail import Detail
from haconsole.present.history import Records
from haconsole.present.row_keys import RowKey
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
        self._logged: tuple[HostCommand, ...] = ()
        self._reads = True
        self._commands: tuple[HostCommand, ...] = ()

    def on_mount(self) -> None:
        self.watch(self.app, "now", self._draw)
        self.post_message(ReadCommands())

    def show_records(self, records: Records) -> None:
        """Show the commands of these runs too."""
        self._logged = logged_commands(records)
        self._draw()

    def details_of(self, subject: RowKey) -> Detail | None:
        command = next((each for each in self._commands if key_of(each) == subject), None)
        return about_command(command, self.app.now) if command is not None else None

    def action_reads(self) -> None:
        """Show or hide the commands that only read."""
        self._reads = not self._reads
        self._draw()

    def _draw(self) -> None:
        session = self.app.session
        self._commands = with_session(self._logged, session.commands if session is not None else ())
        self.show(command_table(self._commands, self.app.now, reads=self._reads, recorded=self.app.setting.recorded))
        self.on_row_highlighted()
