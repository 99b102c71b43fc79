"""From what a person stands on to a command, an action's form or its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haconsole.ui.consent import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.present.offers import Help


class Menu:
    """Offers actions and begins them, for the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    def offer(self) -> None:
        """Let a person choose an action, those for what the cursor is on first."""
        if refused(self._app):
            return
        from haconsole.actions.catalogue import catalogue
        from haconsole.ui.present.offers import offered
        from haconsole.ui.screens.palette import Palette

        state = self._app.state
        commands = offered(catalogue(), self._app.subject, state.snapshot, state.findings)
        self._app.push_screen(Palette("actions", commands, beside="FOR"), self._app.chosen)

    def offer_commands(self) -> None:
        """Let a person choose among the commands of the screen that is up, its footer's first, and the themes."""
        from haconsole.ui.present.palette import Command
        from haconsole.ui.screens.palette import Palette

        app = self._app
        keys = sorted(app.keys_on(app.screen), key=lambda key: not key.rank)
        done = tuple(Command(key.label, key.action, key.help, key.shown) for key in keys)
        themes = tuple(
            Command(f"theme {name}", f"paint('{name}')", f"Paint with the theme {name}") for name in app.painting.names
        )
        app.push_screen(Palette("commands", done + themes), app.chosen)

    @property
    def helping(self) -> Help | None:
        """The first action that helps with the finding under the cursor; None where none does."""
        from haconsole.actions.catalogue import catalogue
        from haconsole.ui.present.offers import helps
        from haconsole.ui.present.subjects import FindingSubject

        app = self._app
        subject = app.subject
        found = next((one for one in app.state.findings if FindingSubject(one.code, one.subject) == subject), None)
        hosts = tuple(host.name for host in app.inventory.hosts)
        return next(iter(helps(found, catalogue(), hosts)), None) if found is not None else None

    def mend(self) -> None:
        """Begin the first action that helps with the finding under the cursor, filled in as far as it says."""
        if refused(self._app):
            return
        best = self.helping
        if best is None:
            self._app.notify("no action of the console helps here", severity="warning", markup=False)
        else:
            self.begin(best.action.name, best.request)

    def begin(self, name: str, request: Mapping[str, str] | None = None) -> None:
        """Begin an action: with its form, or with its plan where there is nothing to fill in.

        `request` is what is filled in already; else it is the host under the cursor.
        """
        if refused(self._app):
            return
        from haconsole.actions.catalogue import find_action
        from haconsole.ui.present.form import form_for
        from haconsole.ui.present.offers import given_by
        from haconsole.ui.present.standing import host_of
        from haconsole.ui.screens.acting import FormScreen, plan_of

        app, action = self._app, find_action(name)
        if not action.arguments:
            app.push_screen(plan_of(action, {}))
            return
        given = request if request is not None else given_by(action, host_of(app.subject, app.state.snapshot))
        app.push_screen(FormScreen(form_for(action, tuple(host.name for host in app.inventory.hosts), given)))
