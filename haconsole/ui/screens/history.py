"""The logged runs: each can be opened, resumed, undone and read step by step."""

from __future__ import annotations

from haconsole.execution.log.run_record import RunRecord, RunStatus
from haconsole.present.detail import Detail
from haconsole.present.history import Records, about_record, history_table, name_of, view_of
from haconsole.present.row_keys import RowKey, RunKey, StepKey
from haconsole.present.running import about_run_step, run_table
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import OpenRun, ReadRuns
from haconsole.ui.screens.split import SplitScreen

NO_RUN = "there is no run here, or its log cannot be read"


class HistoryScreen(SplitScreen):
    """This cluster's logged runs, read when the screen opens; `at` is the one the cursor begins on."""

    BINDINGS = bindings(Scope.RESUMABLE, Scope.HISTORY)
    PERCENT = 66

    def __init__(self, at: str | None = None) -> None:
        super().__init__(hint="the log of the run under the cursor is shown here")
        self._at = at
        self._records: Records | None = None

    def on_mount(self) -> None:
        self.show(history_table(None, self.app.now))

    def on_screen_resume(self) -> None:
        self.post_message(ReadRuns())

    def show_records(self, records: Records) -> None:
        """Show the runs."""
        self._records = records
        self.show(history_table(records, self.app.now))
        if self._at is not None:
            self.table.window = self.table.window.on(RunKey(self._at))
            self._at = None
        self.on_row_highlighted()

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if (action, parameters) == ("request", ("OfferResume",)):
            return why_not_resume(self.record) if self.record is not None else NO_RUN
        if (action, parameters) == ("request", ("PlanUndo",)):
            return None if self.record is not None else NO_RUN
        return None

    def details_of(self, subject: RowKey) -> Detail | None:
        record = next((one for one in self._records or () if RunKey(name_of(one)) == subject), None)
        return about_record(record, self.app.now) if record is not None else None

    @property
    def record(self) -> RunRecord | None:
        """The run under the cursor, if its log can be read."""
        key = self.table.window.key
        record = next((one for one in self._records or () if RunKey(name_of(one)) == key), None)
        return record if isinstance(record, RunRecord) else None

    def on_row_chosen(self) -> None:
        if self.record is not None:
            self.post_message(OpenRun(self.record))
        else:
            self.text.focus()


class RecordScreen(SplitScreen):
    """One logged run, step by step."""

    BINDINGS = bindings(Scope.RESUMABLE)

    def __init__(self, record: RunRecord) -> None:
        super().__init__()
        self.record = record
        self._view = view_of(record)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        return why_not_resume(self.record) if (action, parameters) == ("request", ("OfferResume",)) else None

    def on_mount(self) -> None:
        self.show(run_table(self._view, self._view.begun_at))

    def details_of(self, subject: RowKey) -> Detail | None:
        return about_run_step(self._view, subject) if isinstance(subject, StepKey) else None


def why_not_resume(record: RunRecord) -> str | None:
    """Why there is nothing to resume; None if the run did not finish."""
    if record.complete:
        return "the run is complete: there is nothing to resume"
    return "the run is still running" if record.standing is RunStatus.RUNNING else None
