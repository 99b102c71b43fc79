"""The logged runs: shown on request, and offered at start when the newest one was interrupted."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from haconsole.errors import RefusedError
from haconsole.ui import error_text
from haconsole.ui.guards import refused

if TYPE_CHECKING:
    from haconsole.execution.log.run_record import RunRecord
    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.screens.overlay import TextWindow


class RunHistoryController:
    """Leads to logged runs, for the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._offering: asyncio.Task[None] | None = None

    def show(self, at: str | None = None) -> None:
        """Show the logged runs, the cursor on the one called `at`."""
        from haconsole.ui.screens.history import HistoryScreen

        if not isinstance(self._app.screen, HistoryScreen):
            self._app.push_screen(HistoryScreen(at))

    def offer_broken_off(self) -> None:
        """Once, when hosts can be queried: show the newest run if it was interrupted and a person wants to see it."""
        if self._offering is None and not self._app.read_only:
            self._offering = asyncio.create_task(self._offer_broken_off(), name="offer")

    async def _offer_broken_off(self) -> None:
        app = self._app
        try:
            await asyncio.to_thread(import_module, "haconsole.present.history")
            from haconsole.present.history import broken_off, offer_to_resume
            from haconsole.ui.screens.question import YesNoQuestion

            record = broken_off(await app.session.history.runs()) if app.session is not None else None
        except Exception as error:
            app.notify(error_text.in_words(error), title="runs", severity="warning", markup=False)
            return
        if record is not None and app.run_view is None:
            run = record.header.run
            question = YesNoQuestion(offer_to_resume(record, app.now))
            app.push_screen(question, lambda yes: self.show(run) if yes else None)

    async def resume(self, record: RunRecord | None) -> None:
        """Check that the run can be resumed, prompt for a confirmation, then resume it."""
        from haconsole.present.history import resuming
        from haconsole.ui.screens.question import YesNoQuestion

        app = self._app
        if record is None or app.session is None:
            app.notify("there is no run here that can be resumed", severity="warning", markup=False)
        elif not refused(app):
            try:
                await app.session.check_resumable(record.header.run)
            except RefusedError as error:
                app.push_screen(_refusal(error))
            except Exception as error:
                app.notify(error_text.in_words(error), title="not resumed", severity="error", markup=False)
            else:
                agreed = lambda yes: app.run_controller.carry_on(record) if yes else None  # noqa: E731
                app.push_screen(YesNoQuestion(resuming(record)), agreed)

    async def resume_run(self, run: str) -> None:
        """Resume the logged run of that name."""
        from haconsole.execution.log.run_record import RunRecord

        session = self._app.session
        records = await session.history.runs() if session is not None else ()
        await self.resume(next((one for one in records if isinstance(one, RunRecord) and one.header.run == run), None))

    def close(self) -> None:
        """At the console's end: offer nothing any more."""
        if self._offering is not None:
            self._offering.cancel()


def _refusal(error: RefusedError) -> TextWindow:
    from haconsole.present.cells import Cell, Tone
    from haconsole.present.detail import Detail, Sentence
    from haconsole.ui.screens.overlay import TextWindow

    detail = Detail("not resumed", (Sentence(Cell(error_text.in_words(error), Tone.CRITICAL)),))
    return TextWindow(lambda state, now: detail)
