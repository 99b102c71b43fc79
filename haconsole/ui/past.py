"""The runs there were: shown when asked for, and offered at start when the newest one was broken off."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from haconsole.ui import faults

if TYPE_CHECKING:
    from haconsole.ui.app import ConsoleApp


class Past:
    """Leads to recorded runs, for the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._offering: asyncio.Task[None] | None = None

    def show(self, at: str | None = None) -> None:
        """Show the runs there were, the cursor on the one called `at`."""
        from haconsole.ui.screens.history import HistoryScreen

        if not isinstance(self._app.screen, HistoryScreen):
            self._app.push_screen(HistoryScreen(at))

    def offer_broken_off(self) -> None:
        """Once, when hosts can be asked: show the newest run if it was broken off and a person wants to see it."""
        if self._offering is None and not self._app.read_only:
            self._offering = asyncio.create_task(self._offer_broken_off(), name="offer")

    async def _offer_broken_off(self) -> None:
        app = self._app
        try:
            await asyncio.to_thread(import_module, "haconsole.ui.present.history")
            from haconsole.ui.present.history import broken_off, offer_to_carry_on
            from haconsole.ui.screens.question import YesNoQuestion

            record = broken_off(await app.session.runs()) if app.session is not None else None
        except Exception as error:
            app.notify(faults.in_words(error), title="runs", severity="warning", markup=False)
            return
        if record is not None and app.run_view is None:
            run = record.heading.run
            question = YesNoQuestion(offer_to_carry_on(record, app.now))
            app.push_screen(question, lambda yes: self.show(run) if yes else None)

    def close(self) -> None:
        """At the console's end: offer nothing any more."""
        if self._offering is not None:
            self._offering.cancel()
