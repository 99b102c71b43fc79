"""From the row under the cursor to a command, an action's form or its plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from haconsole.ui.guards import refused
from haconsole.ui.keys import Key, Scope, keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.screen import Screen

    from haconsole.model.findings import ActionCall, Remedy
    from haconsole.present.palette import Command
    from haconsole.ui.app import ConsoleApp


class ActionController:
    """Offers actions and starts them, for the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    def keys_on(self, screen: Screen[Any]) -> tuple[Key, ...]:
        """The active keys on a screen of this console, in its present state."""
        return keys_of(*getattr(screen, "scopes", (Scope.EVERYWHERE,)), read_only=self._app.read_only)

    def tell_keys(self) -> None:
        """Show the keys of the current screen."""
        from haconsole.ui.screens.overlay import TextWindow, help_text

        text = help_text(self.keys_on(self._app.screen))
        self._app.push_screen(TextWindow(lambda state, now: text))

    def refresh(self) -> None:
        """Have every fact on every host read again now."""
        app = self._app
        if app.session is None:
            app.notify("there is no session with the hosts yet; try again in a moment", severity="warning")
        elif app.setting.recorded:
            app.notify("a recording has no newer facts", severity="warning", timeout=3, markup=False)
        else:
            app.session.observer.refresh()
            app.notify("reading all facts again", timeout=2, markup=False)

    def offer(self) -> None:
        """Let a person choose an action, those for the row under the cursor first."""
        if refused(self._app):
            return
        from haconsole.actions.catalogue import catalogue
        from haconsole.present.offers import offered
        from haconsole.ui.screens.palette import Palette

        state = self._app.state
        commands = offered(catalogue(), self._app.subject, state.snapshot, state.findings)
        self._app.push_screen(Palette("actions", commands, key_title="FOR"), self._begin_chosen)

    def offer_commands(self) -> None:
        """Let a person choose among the commands of the current screen, its footer's first, and the themes."""
        from haconsole.present.palette import Command
        from haconsole.ui.screens.palette import Palette

        app = self._app
        keys = sorted(self.keys_on(app.screen), key=lambda key: not key.rank)
        commands = tuple(Command(key.label, key.action, key.help, key.shown) for key in keys)
        themes = tuple(
            Command(f"theme {name}", f"paint('{name}')", f"Use the theme {name}") for name in app.theme_controller.names
        )
        app.push_screen(Palette("commands", commands + self._actions() + themes), self._begin_chosen)

    def _actions(self) -> tuple[Command, ...]:
        """The actions as commands of the palette; none in read-only mode."""
        if self._app.read_only:
            return ()
        from haconsole.actions.catalogue import catalogue
        from haconsole.present.offers import offered

        offers = offered(catalogue(), None, self._app.state.snapshot, ())
        return tuple(replace(offer, key="") for offer in offers)

    def _begin_chosen(self, action: str | None) -> None:
        """Run the command that was chosen from a palette."""
        if action is not None:
            self._app.run_worker(self._act(action), exit_on_error=False)

    async def _act(self, action: str) -> None:
        """Run a key's action, on whichever of focus, screen and app has it."""
        app = self._app
        if action.startswith("app."):
            await app.run_action(action)
            return
        for node in (app.screen.focused or app.screen, app.screen, app):
            if hasattr(node, f"action_{action.partition('(')[0]}"):
                await app.run_action(action, node)
                return

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """The remedies of the finding under the cursor; none if there is no finding."""
        from haconsole.present.offers import finding_of

        finding = finding_of(self._app.subject, self._app.state.findings)
        return finding.remedies if finding is not None else ()

    @property
    def fixable(self) -> bool:
        """Whether an action of this console fixes the finding under the cursor."""
        from haconsole.model.findings import ActionCall

        return any(isinstance(remedy, ActionCall) for remedy in self.remedies)

    def fix(self) -> None:
        """Start the action that fixes the finding under the cursor, or let a person choose among several."""
        from haconsole.present.offers import finding_of, fixes
        from haconsole.ui.screens.palette import Palette

        finding = finding_of(self._app.subject, self._app.state.findings)
        calls = finding.calls if finding is not None else ()
        if refused(self._app):
            return
        if finding is None or not calls:
            self._app.notify("no action of this console fixes this", severity="warning", markup=False)
        elif len(calls) == 1:
            self._begin(calls[0])
        else:
            palette = Palette("fixes, the best first", fixes(finding))
            self._app.push_screen(palette, lambda number: self._begin(calls[int(number)]) if number else None)

    def fix_by(self, number: int) -> None:
        """Start the remedy of that number, as the finding's text counts them from 1."""
        from haconsole.model.findings import ActionCall

        remedy = next(iter(self.remedies[number - 1 : number]), None)
        if isinstance(remedy, ActionCall):
            self._begin(remedy)
        elif remedy is not None:
            self._app.notify(f"fix {number} is for you to do outside this console", markup=False)

    def _begin(self, call: ActionCall) -> None:
        self.begin(call.action, call.request)

    def begin(self, name: str, request: Mapping[str, str] | None = None) -> None:
        """Start an action: with its form, or with its plan if there is nothing to fill in.

        `request` are known values; otherwise the host under the cursor is used.
        """
        if refused(self._app):
            return
        from haconsole.actions.catalogue import find_action
        from haconsole.present.form import form_for
        from haconsole.present.prefill import prefilled
        from haconsole.ui.screens.acting import FormScreen, plan_of

        app, action = self._app, find_action(name)
        if not action.arguments:
            app.push_screen(plan_of(action, {}))
            return
        values = request if request is not None else prefilled(action, app.subject, app.state.snapshot)
        app.push_screen(FormScreen(form_for(action, tuple(host.name for host in app.inventory.hosts), values)))
