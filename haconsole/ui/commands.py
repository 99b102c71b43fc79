"""What the keys do that count everywhere: each command is handed to the part of the console that carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from haconsole.ui.keys import Scope, bindings

if TYPE_CHECKING:
    from haconsole.ui.menu import Menu
    from haconsole.ui.painting import Painting
    from haconsole.ui.past import Past
    from haconsole.ui.runs import Runs
    from haconsole.ui.visits import Visits


class Commands(App[None]):
    """The app as keys and the palette see it."""

    BINDINGS = bindings(Scope.EVERYWHERE)
    menu: Menu
    painting: Painting
    past: Past
    runs: Runs
    visits: Visits

    def action_help(self) -> None:
        """Tell the keys of the screen that is up."""
        self.menu.tell_keys()

    def action_palette(self) -> None:
        """Offer every command of the screen that is up, then the themes."""
        self.menu.offer_commands()

    def action_actions(self) -> None:
        """Offer the actions there are."""
        self.menu.offer()

    def action_act(self, name: str) -> None:
        """Begin the action of that name."""
        self.menu.begin(name)

    def action_fix(self, number: int = 0) -> None:
        """Begin a fix of the finding under the cursor: the one of that number, or the one to choose."""
        if number:
            self.menu.fix_by(number)
        else:
            self.menu.fix()

    def action_journal(self, everywhere: bool = False) -> None:
        """Follow the journal of the host under the cursor, or of all hosts."""
        self.visits.journal(everywhere=everywhere)

    def action_shell(self) -> None:
        """A shell on the host under the cursor; the screen comes back at its end."""
        self.visits.shell()

    def action_show_run(self) -> None:
        """Show the run under way, or the last one."""
        self.runs.show()

    def action_history(self) -> None:
        """Show the runs there were."""
        self.past.show()

    def action_next_theme(self) -> None:
        """Paint with the next of the themes found."""
        self.painting.following()

    def action_reload_theme(self) -> None:
        """Read the file of the theme in use again."""
        self.painting.again()

    def action_paint(self, theme: str) -> None:
        """Paint with the theme of that name."""
        self.painting.use(theme)

    async def action_quit(self) -> None:
        """Leave the console; with a run under way only when a person says so."""
        if not self.runs.under_way:
            self.exit()
            return
        from haconsole.ui.screens.question import YesNoQuestion
        from haconsole.ui.screens.running import LEAVE_CONSOLE

        self.push_screen(YesNoQuestion(LEAVE_CONSOLE), lambda yes: self.exit() if yes else None)
