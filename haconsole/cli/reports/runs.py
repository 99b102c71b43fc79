"""Recorded runs as JSON and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from haconsole.actions.describe import step_line
from haconsole.actions.step import Step
from haconsole.cli.reports.findings import Shape, stamp
from haconsole.cli.reports.progress import harmless
from haconsole.execution.events import Outcome
from haconsole.execution.log.resume import undone_by
from haconsole.execution.log.run_log import Operator
from haconsole.execution.log.run_record import RunRecord, RunStatus, StepRecord, StepState, UnreadableRun

OUTPUT_LINES = 12
Every = tuple[RunRecord | UnreadableRun, ...]
STATES = {
    StepState.NOT_STARTED: "not started",
    StepState.ALREADY: "was there already",
    StepState.UNKNOWN: "UNKNOWN, begun and its end not heard",
    StepState.FAILED: "FAILED",
    StepState.PERFORMED: "performed, not verified",
    StepState.VERIFIED: "done and verified",
}
ENDINGS = {
    Outcome.DONE: "done",
    Outcome.ALREADY: "all was there already",
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "ended with steps whose end is unknown",
    Outcome.SKIPPED: "stopped",
}


class OperatorReport(Shape, frozen=True):
    """Who: login, the machine the console ran on, and its process there."""

    user: str
    host: str
    pid: int


class ResumptionReport(Shape, frozen=True):
    """The run was carried on: when and by whom."""

    at: str
    operator: OperatorReport


class CountsReport(Shape, frozen=True):
    """How many steps are in which state; the sum is how many the plan has."""

    not_started: int
    already: int
    unknown: int
    failed: int
    performed: int
    verified: int


class RunReport(Shape, frozen=True):
    """One run. `standing` is running, broken-off or ended; `outcome` is null unless it ended, `next` what to do then.

    `error` is null, or why the record cannot be read; then all but `run` and `record` is null.
    `undoes` is the run whose steps this one takes back, `undone_by` the one that took this one's back.
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


class RunsReport(Shape, frozen=True):
    """``haconsole/runs/v1``: the runs recorded in `folder`, newest first."""

    schema: str
    folder: str
    runs: tuple[RunReport, ...]


class StepRecordReport(Shape, frozen=True):
    """One step by the record. `state` is not-started, already, unknown, failed, performed or verified.

    `attempts` counts how often it was begun, `begun_at` is when last, `at` when the last was recorded of it; `output`
    what the host said, secrets redacted, its last 64 KiB.
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
    """`runs`, told apart with the help of `every` run there is."""
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
    return CountsReport(**{state.value.replace("-", "_"): count[state] for state in StepState})


def _operator(operator: Operator) -> OperatorReport:
    return OperatorReport(operator.user, operator.host, operator.pid)


def _stamp(at: datetime | None) -> str | None:
    return stamp(at) if at else None


def next_step(record: RunRecord) -> str | None:
    """What a person does next; None where there is nothing to do."""
    if record.standing is RunStatus.BROKEN_OFF:
        return f"carry on with: haconsole resume {record.header.run}"
    return record.next_step if record.standing is RunStatus.ENDED else None


def runs_text(folder: Path, runs: Every, every: Every) -> str:
    """A line for each run, newest first."""
    if not runs:
        return f"no run is recorded in {folder}"
    return "\n".join(_run_line(one, every) for one in runs)


def _run_line(one: RunRecord | UnreadableRun, every: Every) -> str:
    if isinstance(one, UnreadableRun):
        return harmless(f"{one.path.stem}: cannot be read: {one.why}")
    good = sum(each.state in (StepState.VERIFIED, StepState.ALREADY) for each in one.steps)
    undo = undone_by(one, every)
    taken = f"; taken back by {undo.header.run}" if undo else ""
    who = one.operator
    line = f"{one.header.run}: {one.plan.action} of {one.plan.cluster}: {standing_text(one)}"
    return harmless(f"{line}, {good} of {len(one.steps)} steps, by {who.user} on {who.host}{taken}")


def standing_text(record: RunRecord) -> str:
    """Where a run stands, in words."""
    who = record.operator
    if record.standing is RunStatus.RUNNING:
        return f"under way in process {who.pid} on {who.host}"
    if record.standing is RunStatus.BROKEN_OFF or record.outcome is None:
        return "broke off"
    return ENDINGS[record.outcome]


def record_text(record: RunRecord, every: Every) -> str:
    """A run step by step, for a person."""
    return "\n".join(_record_lines(record, every))


def _record_lines(record: RunRecord, every: Every) -> Iterator[str]:
    header = record.header
    who = header.operator
    yield f"{header.run}: {record.plan.action} of {record.plan.cluster}: {standing_text(record)}"
    yield f"  begun    {stamp(header.started_at)} by {who.user} on {who.host} (process {who.pid})"
    for again in record.resumed:
        later = again.operator
        yield f"  resumed  {stamp(again.at)} by {later.user} on {later.host} (process {later.pid})"
    if record.ended_at:
        yield f"  ended    {stamp(record.ended_at)}"
    yield f"  inventory {header.inventory} (SHA-256 {header.inventory_sha256[:12]}…)"
    yield f"  record   {record.path}"
    if record.plan.undoes:
        yield f"  undoes   {record.plan.undoes}"
    undo = undone_by(record, every)
    if undo:
        yield f"  undone   by {undo.header.run}"
    if record.torn_lines:
        yield f"  torn     {_torn(record.torn_lines)}"
    yield ""
    for number, (step, one) in enumerate(zip(record.plan.steps, record.steps, strict=True), 1):
        yield from _step_lines(number, step, one)
    following = next_step(record)
    if following:
        yield from ("", f"next: {following}")


def _torn(lines: int) -> str:
    told = "a line was" if lines == 1 else f"{lines} lines were"
    return f"{told} not written whole and left out; what it would have told is unknown"


def _step_lines(number: int, step: Step, one: StepRecord) -> Iterator[str]:
    yield harmless(f"{number:4}. {step.host}: {step.title}: {STATES[one.state]}")
    if one.attempts and one.begun_at:
        again = f" (attempt {one.attempts})" if one.attempts > 1 else ""
        yield harmless(f"      intent  {stamp(one.begun_at)}{again}: {_first_line(step_line(step))}")
    if one.at and one.at != one.begun_at:
        yield f"      heard   {stamp(one.at)}"
    if one.error:
        yield harmless(f"      error   {one.error}")
    lines = one.output.splitlines()
    if len(lines) > OUTPUT_LINES:
        yield f"      output  … {len(lines) - OUTPUT_LINES} lines before these, see --json"
    for line in lines[-OUTPUT_LINES:]:
        yield harmless(f"      output  {line}")


def _first_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first} …" if rest else first


def remaining_text(record: RunRecord) -> str:
    """What a run that is carried on has behind it by its record, and what is before it."""
    lines = [f"{record.header.run}: {record.plan.action} of {record.plan.cluster}: {standing_text(record)}"]
    titles = {step.id: f"{step.host}: {step.title}" for step in record.plan.steps}
    count = Counter(one.state for one in record.steps)
    lines += [f"  {count[state]:4} {STATES[state]}" for state in StepState if count[state]]
    behind = (StepState.VERIFIED, StepState.ALREADY)
    for one in record.steps:
        if one.state not in behind:
            lines.append(harmless(f"  {titles[one.step]}: {STATES[one.state]}"))
    return "\n".join((*lines, "Every step is asked for on its host first; what is there already is not done again."))
