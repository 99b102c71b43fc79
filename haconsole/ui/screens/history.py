"""The logged runs: each can be opened, resumed, undone and read step by step."""

from __future__ import annotations

import asyncio

from haconsole.execution.log.run_record import RunRecord, RunStatus
from haconsole.present.detail import Detail
from haconsole.present.history import Records, about_record, history_table, name_of, view_of
from haconsole.present.row_keys import RowKey, RunKey, StepKey
from haconsole.present.running import about_run_step, run_table
from haconsole.ui import error_text
from haconsole.ui.guards import refused
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.screens.acting import PlanScreen
from haconsole.ui.screens.split import SplitScreen


class HistoryScreen(SplitScreen):
    """This cluster's logged runs, read when the screen opens; `at` is the one the cursor begins on."""

    BINDINGS = bindings(Scope.RESUMABLE, Scope.HISTORY)

    def __init__(self, at: str | None = None) -> None:
        super().__init__(hint="the log of the run under the cursor is shown here")
        self._at = at
        self._records: Records | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        record = self._record
        if record is None:
            return super().scopes
        return (*resumable(record), Scope.HISTORY, *super().scopes)

    def on_mount(self) -> None:
        self.show(history_table(None, self.app.now))

    def on_screen_resume(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="history")

    async def on_unmount(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        session = self.app.session
        if session is None:
            self.app.notify("there is no session yet; try again in a moment", severity="warning", markup=False)
            return
        try:
            self._records = await session.history.runs()
        except Exception as error:
            self.app.notify(error_text.in_words(error), title="runs", severity="error", markup=False)
            return
        self.show(history_table(self._records, self.app.now))
        if self._at is not None:
            self.table.go_to(RunKey(self._at))
            self._at = None
        self.tell()

    def details_of(self, subject: RowKey) -> Detail | None:
        record = next((one for one in self._records or () if RunKey(name_of(one)) == subject), None)
        return about_record(record, self.app.now) if record is not None else None

    @property
    def _record(self) -> RunRecord | None:
        """The run under the cursor, if its record can be read."""
        record = next((one for one in self._records or () if RunKey(name_of(one)) == self.table.cursor_key), None)
        return record if isinstance(record, RunRecord) else None

    def on_row_chosen(self) -> None:
        if self._record is not None:
            self.app.push_screen(RecordScreen(self._record))
        else:
            self.text.focus()

    async def action_resume(self) -> None:
        await self.app.run_history.resume(self._record)

    def action_undo(self) -> None:
        """Show the undo of the run, and run it once confirmed."""
        record = self._record
        if record is None:
            self.app.bell()
        elif not refused(self.app):
            run = record.header.run
            self.app.push_screen(PlanScreen(f"undo {run}", lambda session: session.history.plan_undo(run)))


def resumable(record: RunRecord) -> tuple[Scope, ...]:
    """The scope with the resume key if the run did not finish."""
    return () if record.complete or record.standing is RunStatus.RUNNING else (Scope.RESUMABLE,)


class RecordScreen(SplitScreen):
    """One logged run, step by step."""

    BINDINGS = bindings(Scope.RESUMABLE)

    def __init__(self, record: RunRecord) -> None:
        super().__init__()
        self._record = record
        self._view = view_of(record)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        return (*resumable(self._record), *super().scopes)

    async def action_resume(self) -> None:
        await self.app.run_history.resume(self._record)

    def on_mount(self) -> None:
        self.show(run_table(self._view, self._view.begun_at))

    def details_of(self, subject: RowKey) -> Detail | None:
        return about_run_step(self._view, subject) if isinstance(subject, StepKey) else None
