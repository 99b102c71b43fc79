"""The commands of keys that work everywhere: each is passed to the controller that runs it."""

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
        """Show the keys of the current screen."""
        self.action_controller.tell_keys()

    def action_palette(self) -> None:
        """Offer every command of the current screen, then the themes."""
        self.action_controller.offer_commands()

    def action_actions(self) -> None:
        """Offer the actions."""
        self.action_controller.offer()

    def action_act(self, name: str) -> None:
        """Start the action of that name."""
        self.action_controller.begin(name)

    def action_fix(self, number: int = 0) -> None:
        """Start a fix of the finding under the cursor: the one of that number, or a choice."""
        if number:
            self.action_controller.fix_by(number)
        else:
            self.action_controller.fix()

    def action_journal(self, everywhere: bool = False) -> None:
        """Follow the journal of the host under the cursor, or of all hosts."""
        self.host_controller.journal(everywhere=everywhere)

    def action_shell(self) -> None:
        """A shell on the host under the cursor; the screen returns at its end."""
        self.host_controller.shell()

    def action_show_run(self) -> None:
        """Show the current run, or the last one."""
        self.run_controller.show()

    def action_history(self) -> None:
        """Show the logged runs."""
        self.run_history.show()

    def action_refresh_facts(self) -> None:
        """Read every fact on every host again."""
        self.action_controller.refresh()

    def action_next_theme(self) -> None:
        """Use the next theme."""
        self.theme_controller.following()

    def action_reload_theme(self) -> None:
        """Reload the file of the current theme."""
        self.theme_controller.reload()

    def action_paint(self, theme: str) -> None:
        """Use the theme of that name."""
        self.theme_controller.use(theme)

    async def action_quit(self) -> None:
        """Close the console; during a run only after a confirmation."""
        if not self.run_controller.under_way:
            self.exit()
            return
        from haconsole.ui.screens.question import YesNoQuestion
        from haconsole.ui.screens.running import LEAVE_CONSOLE

        self.push_screen(YesNoQuestion(LEAVE_CONSOLE), lambda yes: self.exit() if yes else None)
