"""What the keys do that count everywhere: each command is handed to the part of the console that carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from haconsole.ui.keys import Scope, bindings

if TYPE_CHECKING:
    from haconsole.ui.controllers.actions import ActionController
    from haconsole.ui.controllers.history import RunHistoryController
    from haconsole.ui.controllers.hosts import HostController
    from haconsole.ui.controllers.runs import RunController
    from haconsole.ui.controllers.themes import ThemeController


class Commands(App[None]):
    """The app as keys and the palette see it."""

    BINDINGS = bindings(Scope.EVERYWHERE)
    action_controller: ActionController
    theme_controller: ThemeController
    run_history: RunHistoryController
    run_controller: RunController
    host_controller: HostController

    def action_help(self) -> None:
        """Tell the keys of the screen that is up."""
        self.action_controller.tell_keys()

    def action_palette(self) -> None:
        """Offer every command of the screen that is up, then the themes."""
        self.action_controller.offer_commands()

    def action_actions(self) -> None:
        """Offer the actions there are."""
        self.action_controller.offer()

    def action_act(self, name: str) -> None:
        """Begin the action of that name."""
        self.action_controller.begin(name)

    def action_fix(self, number: int = 0) -> None:
        """Begin a fix of the finding under the cursor: the one of that number, or the one to choose."""
        if number:
            self.action_controller.fix_by(number)
        else:
            self.action_controller.fix()

    def action_journal(self, everywhere: bool = False) -> None:
        """Follow the journal of the host under the cursor, or of all hosts."""
        self.host_controller.journal(everywhere=everywhere)

    def action_shell(self) -> None:
        """A shell on the host under the cursor; the screen comes back at its end."""
        self.host_controller.shell()

    def action_show_run(self) -> None:
        """Show the run under way, or the last one."""
        self.run_controller.show()

    def action_history(self) -> None:
        """Show the runs there were."""
        self.run_history.show()

    def action_refresh_facts(self) -> None:
        """Read every fact on every host again."""
        self.action_controller.refresh()

    def action_next_theme(self) -> None:
        """Paint with the next of the themes found."""
        self.theme_controller.following()

    def action_reload_theme(self) -> None:
        """Read the file of the theme in use again."""
        self.theme_controller.reload()

    def action_paint(self, theme: str) -> None:
        """Paint with the theme of that name."""
        self.theme_controller.use(theme)

    async def action_quit(self) -> None:
        """Leave the console; with a run under way only when a person says so."""
        if not self.run_controller.under_way:
            self.exit()
            return
        from haconsole.ui.screens.question import YesNoQuestion
        from haconsole.ui.screens.running import LEAVE_CONSOLE

        self.push_screen(YesNoQuestion(LEAVE_CONSOLE), lambda yes: self.exit() if yes else None)
