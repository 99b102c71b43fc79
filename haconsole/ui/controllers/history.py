"""The logged runs: shown on request, resumed, and offered at start when the newest one was interrupted."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, assert_never

from haconsole.errors import HaconsoleError, RefusedError
from haconsole.ui import error_text
from haconsole.ui.console import may_change
from haconsole.ui.messages import (
    HistoryRequest,
    OfferResume,
    OpenRun,
    ReadBackup,
    ReadCommands,
    ReadRuns,
    ResumeRun,
    ShowCommands,
    ShowRuns,
)

if TYPE_CHECKING:
    from haconsole.ui.console import Console
    from haconsole.ui.screens.commands import CommandScreen
    from haconsole.ui.screens.history import HistoryScreen
    from haconsole.ui.screens.overlay import TextWindow


class RunHistoryController:
    """Leads to logged runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._was_offered = False

    def fulfil(self, request: HistoryRequest) -> None:
        match request:
            case ShowRuns():
                self.show()
            case ReadRuns():
                self.read()
            case ShowCommands():
                from haconsole.ui.screens.commands import CommandScreen

                self._console.push_screen(CommandScreen())
            case ReadCommands():
                self.read_commands()
            case ReadBackup():
                self.read_backup()
            case OpenRun(record=record):
                from haconsole.ui.screens.history import RecordScreen

                self._console.push_screen(RecordScreen(record))
            case OfferResume():
                self.offer_resume()
            case _:
                assert_never(request)

    def show(self, at: str | None = None) -> None:
        """Show the logged runs, the cursor on the one called `at`."""
        from haconsole.ui.screens.history import HistoryScreen

        if not isinstance(self._console.screen, HistoryScreen):
            self._console.push_screen(HistoryScreen(at))

    def read(self) -> None:
        """Read the logged runs for the screen that lists them."""
        from haconsole.ui.screens.history import HistoryScreen

        screen = self._console.screen
        if isinstance(screen, HistoryScreen):
            screen.run_worker(self._read(screen), group="history", exclusive=True, exit_on_error=False)

    def read_commands(self) -> None:
        """Read the logged commands for the screen that lists them, and hand it those of this session."""
        from haconsole.ui.screens.commands import CommandScreen

        screen = self._console.screen
        if isinstance(screen, CommandScreen):
            screen.run_worker(self._read(screen), group="history", exclusive=True, exit_on_error=False)

    async def _read(self, screen: HistoryScreen | CommandScreen) -> None:
        console = self._console
        if console.session is None:
            console.notify("there is no session yet; try again in a moment", severity="warning", markup=False)
            return
        try:
            screen.show_records(await console.session.history.runs())
        except Exception as error:
            console.notify(error_text.in_words(error), title="runs", severity="error", markup=False)

    def at_session(self) -> None:
        """Hosts can be queried: read the last backup, and offer an interrupted run."""
        self.read_backup()
        self.offer_interrupted()

    def read_backup(self) -> None:
        """Read the time of the last backup of etcd; it stays unknown if the run logs cannot be read."""
        self._console.run_worker(self._read_backup(), name="backup", exit_on_error=False)

    async def _read_backup(self) -> None:
        console = self._console
        await asyncio.to_thread(import_module, "haconsole.present.history")
        from haconsole.present.history import last_backup

        with suppress(HaconsoleError, OSError):
            if console.session is not None:
                console.backup = last_backup(await console.session.history.runs())

    def offer_interrupted(self) -> None:
        """Once, when hosts can be queried: show the newest run if it was interrupted and a person wants to see it."""
        if not self._was_offered and not self._console.read_only:
            self._was_offered = True
            self._console.run_worker(self._offer_interrupted(), name="offer", exit_on_error=False)

    async def _offer_interrupted(self) -> None:
        console = self._console
        try:
            await asyncio.to_thread(import_module, "haconsole.present.history")
            from haconsole.present.history import broken_off, offer_to_resume
            from haconsole.ui.screens.question import answer

            record = broken_off(await console.session.history.runs()) if console.session is not None else None
        except Exception as error:
            console.notify(error_text.in_words(error), title="runs", severity="warning", markup=False)
            return
        if (
            record is not None
            and console.run_view is None
            and await answer(console, offer_to_resume(record, console.now))
        ):
            self.show(record.header.run)

    def offer_resume(self) -> None:
        """Resume the run that the screen is about, after a confirmation."""
        from haconsole.ui.screens.history import HistoryScreen, RecordScreen
        from haconsole.ui.screens.running import RunScreen

        screen, view = self._console.screen, self._console.run_view
        record = screen.record if isinstance(screen, HistoryScreen | RecordScreen) else None
        if record is not None:
            run: str = record.header.run
        elif isinstance(screen, RunScreen) and view is not None:
            run = view.run
        else:
            return
        if may_change(self._console):
            self._console.run_worker(self._resume(run), exit_on_error=False)

    async def _resume(self, run: str) -> None:
        """Check that the run can be resumed, prompt for a confirmation, then resume it."""
        from haconsole.present.history import resuming
        from haconsole.ui.screens.acting import agreement
        from haconsole.ui.screens.override import by_name, override_reason
        from haconsole.ui.screens.question import answer

        console = self._console
        if console.session is None:
            console.notify("there is no session yet; try again in a moment", severity="warning", markup=False)
            return
        try:
            record = await console.session.check_resumable(run)
        except RefusedError as error:
            console.push_screen(_refusal(error))
        except Exception as error:
            console.notify(error_text.in_words(error), title="not resumed", severity="error", markup=False)
        else:
            override = await override_reason(console, record.plan)
            names = by_name(console, record.plan)
            if override is None:
                return
            if await (
                console.push_screen_wait(agreement(record.plan, by_name=names))
                if names
                else answer(console, resuming(record))
            ):
                console.post_message(ResumeRun(record, override))


def _refusal(error: RefusedError) -> TextWindow:
    from haconsole.present.cells import Cell, Tone
    from haconsole.present.detail import Detail, Sentence
    from haconsole.ui.screens.overlay import TextWindow

    detail = Detail("not resumed", (Sentence(Cell(error_text.in_words(error), Tone.CRITICAL)),))
    return TextWindow(lambda state, now: detail)
