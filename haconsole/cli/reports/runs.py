"""Recorded runs as JSON and as text."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import msgspec

from haconsole.actions.step import Step
from haconsole.cli.output import UNLIMITED
from haconsole.cli.reports.findings import Shape, stamp
from haconsole.cli.reports.page import detail_text, table_lines
from haconsole.execution.log.resume import undone_by
from haconsole.execution.log.run_log import Operator
from haconsole.execution.log.run_record import RunRecord, RunStatus, StepRecord, StepState, UnreadableRun
from haconsole.present.history import about_record, history_table, resuming, view_of
from haconsole.present.running import run_table, step_results

Every = tuple[RunRecord | UnreadableRun, ...]


class OperatorReport(Shape, frozen=True):
    """The operator: login, the machine of the console, and its process there."""

    user: str
    host: str
    pid: int


class ResumptionReport(Shape, frozen=True):
    """The run was resumed: when and by whom."""

    at: str
    operator: OperatorReport


class CountsReport(Shape, frozen=True):
    """The number of steps by state; the sum is the number of steps of the plan."""

    not_started: int
    already_right: int = msgspec.field(name="already")
    unknown: int
    failed: int
    performed: int
    verified: int


class OverrideReport(Shape, frozen=True):
    """Guardrails that the operator overrode, and the typed reason."""

    rules: tuple[str, ...]
    reason: str


class RunReport(Shape, frozen=True):
    """One run. `standing` is running, broken-off or ended; `outcome` is null unless it ended, `next` the next step to
    take then.

    `error` is null, or the reason why the log cannot be read; then everything except `run` and `record` is null.
    `undoes` is the run that this one undoes, `undone_by` the one that undid this one.
    """

    run: str
    record: str
    error: str | None
    action: str | None = None
    cluster: str | None = None
    standing: str | None = None
    outcome: str | None = None
    next: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    operator: OperatorReport | None = None
    resumed: tuple[ResumptionReport, ...] | None = None
    inventory: str | None = None
    inventory_sha256: str | None = None
    steps: CountsReport | None = None
    undoes: str | None = None
    undone_by: str | None = None
    torn_lines: int | None = None
    overrides: tuple[OverrideReport, ...] | None = None


class RunsReport(Shape, frozen=True):
    """``haconsole/runs/v1``: the runs recorded in `folder`, newest first."""

    schema: str
    folder: str
    runs: tuple[RunReport, ...]


class StepRecordReport(Shape, frozen=True):
    """One step by the run log. `state` is not-started, already, unknown, failed, performed or verified.

    `attempts` is the number of starts, `begun_at` the last start, `at` the last event; `output` is the host's output,
    secrets redacted, its last 64 KiB.
    """

    id: str
    title: str
    host: str
    state: str
    attempts: int
    begun_at: str | None
    at: str | None
    output: str
    error: str | None


class RunRecordReport(Shape, frozen=True):
    """``haconsole/run-record/v1``: one run with its steps in the order of its plan."""

    schema: str
    run: RunReport
    steps: tuple[StepRecordReport, ...]


def runs_report(folder: Path, runs: Every, every: Every) -> RunsReport:
    """`runs`, with the undo of each from `every` run."""
    return RunsReport("haconsole/runs/v1", str(folder), tuple(_run_report(one, every) for one in runs))


def record_report(record: RunRecord, every: Every) -> RunRecordReport:
    steps = tuple(_step_report(step, one) for step, one in zip(record.plan.steps, record.steps, strict=True))
    return RunRecordReport("haconsole/run-record/v1", _run_report(record, every), steps)


def _run_report(one: RunRecord | UnreadableRun, every: Every) -> RunReport:
    if isinstance(one, UnreadableRun):
        return RunReport(one.path.stem, str(one.path), one.why)
    undo = undone_by(one, every)
    return RunReport(
        run=one.header.run,
        record=str(one.path),
        error=None,
        action=one.plan.action,
        cluster=one.plan.cluster,
        standing=one.standing.value,
        outcome=one.outcome.value if one.outcome else None,
        next=next_step(one),
        started_at=stamp(one.header.started_at),
        ended_at=_stamp(one.ended_at),
        operator=_operator(one.header.operator),
        resumed=tuple(ResumptionReport(stamp(each.at), _operator(each.operator)) for each in one.resumed),
        inventory=one.header.inventory,
        inventory_sha256=one.header.inventory_sha256,
        steps=_counts(one),
        undoes=one.plan.undoes or None,
        undone_by=undo.header.run if undo else None,
        torn_lines=one.torn_lines,
        overrides=tuple(OverrideReport(each.rules, each.reason) for each in one.overrides),
    )


def _step_report(step: Step, one: StepRecord) -> StepRecordReport:
    return StepRecordReport(
        id=step.id,
        title=step.title,
        host=step.host,
        state=one.state.value,
        attempts=one.attempts,
        begun_at=_stamp(one.begun_at),
        at=_stamp(one.at),
        output=one.output,
        error=one.error,
    )


def _counts(record: RunRecord) -> CountsReport:
    count = Counter(one.state for one in record.steps)
    return CountsReport(
        not_started=count[StepState.NOT_STARTED],
        already_right=count[StepState.ALREADY],
        unknown=count[StepState.UNKNOWN],
        failed=count[StepState.FAILED],
        performed=count[StepState.PERFORMED],
        verified=count[StepState.VERIFIED],
    )


def _operator(operator: Operator) -> OperatorReport:
    return OperatorReport(operator.user, operator.host, operator.pid)


def _stamp(at: datetime | None) -> str | None:
    return stamp(at) if at else None


def next_step(record: RunRecord) -> str | None:
    """The next step to take; None if there is nothing to do."""
    if record.standing is RunStatus.BROKEN_OFF:
        return f"resume with: haconsole resume {record.header.run}"
    return record.next_step if record.standing is RunStatus.ENDED else None


def runs_text(folder: Path, runs: Every, every: Every, now: datetime) -> str:
    """The table of runs as on screen, newest first."""
    if not runs:
        return f"no run is logged in {folder}"
    return "\n".join(table_lines(history_table(runs, now, every)))


def record_text(record: RunRecord, now: datetime, width: int = UNLIMITED) -> str:
    """A run as on screen: what is known of it, its steps, then errors and output."""
    view = view_of(record)
    parts = (
        detail_text(about_record(record, now), width=width),
        "\n".join(table_lines(run_table(view, now))),
        *(detail_text(detail, width=width) for detail in step_results(view)),
    )
    return "\n\n".join(parts)


def remaining_text(record: RunRecord, now: datetime, width: int = UNLIMITED) -> str:
    """The steps of a run that can be resumed, then the same question as on the screen."""
    steps = "\n".join(table_lines(run_table(view_of(record), now)))
    return f"{steps}\n\n{detail_text(resuming(record), width=width)}"
