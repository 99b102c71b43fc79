"""Logged runs: their table, the details of one, and a run rebuilt from its log."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from types import MappingProxyType

from haconsole.actions.operations import SaveSnapshot
from haconsole.execution.events import Outcome, RunDone, StepDone
from haconsole.execution.log.resume import undone_by
from haconsole.execution.log.run_record import RunRecord, RunStatus, StepRecord, StepState, UnreadableRun
from haconsole.present.ages import timestamp
from haconsole.present.bar import LastBackup
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence
from haconsole.present.plan import irreversible, step_of, step_title
from haconsole.present.row_keys import RunKey
from haconsole.present.running import RunView
from haconsole.present.table import Column, Row, TableView

BROKEN_OFF = "interrupted: its process ended without a result"
COLUMNS = (
    Column("BEGUN"),
    Column("ACTION", least=10),
    Column("RESULT", least=14),
    Column("STEPS", right=True),
    Column("BY", rank=1, least=10),
    Column("RUN", rank=2, least=24, both_ends=True),
    Column("CLUSTER", rank=4, least=7),
    Column("UNDONE BY", rank=3, least=12),
)
ENDINGS = {
    Outcome.DONE: Cell("● done", Tone.GOOD),
    Outcome.ALREADY: Cell("● already done", Tone.GOOD),
    Outcome.FAILED: Cell("✖ failed", Tone.CRITICAL),
    Outcome.UNKNOWN: Cell("? result unknown", Tone.UNKNOWN),
    Outcome.SKIPPED: Cell("▲ stopped", Tone.WARNING),
}
OUTCOMES = {
    StepState.ALREADY: Outcome.ALREADY,
    StepState.UNKNOWN: Outcome.UNKNOWN,
    StepState.FAILED: Outcome.FAILED,
    StepState.PERFORMED: Outcome.UNKNOWN,
    StepState.VERIFIED: Outcome.DONE,
}
"""A logged step's state as a run shows it; a step performed and not verified has an unknown result."""
WELL = (StepState.VERIFIED, StepState.ALREADY)
Records = tuple[RunRecord | UnreadableRun, ...]


def name_of(one: RunRecord | UnreadableRun) -> str:
    return one.header.run if isinstance(one, RunRecord) else one.path.stem


def history_table(records: Records | None, now: datetime, every: Records | None = None) -> TableView:
    """The runs on this cluster, newest first; None while they are not read yet.

    `every` are all runs, if `records` are some of them: an undo may be a separate run.
    """
    empty = Cell("? reading the logs", Tone.UNKNOWN)
    if records is not None:
        empty = Cell("no run on this cluster is logged here", Tone.MUTED)
    known = every or records or ()
    undone = any(isinstance(one, RunRecord) and undone_by(one, known) for one in records or ())
    rows = tuple(_row(one, now, known, undone=undone) for one in records or ())
    interrupted = sum(isinstance(one, RunRecord) and one.standing is RunStatus.BROKEN_OFF for one in records or ())
    gist = (Cell(f"{interrupted} interrupted", Tone.WARNING),) if interrupted else ()
    return TableView("runs", COLUMNS if undone else COLUMNS[:-1], rows, None, gist, empty, ageless=True)


def _row(one: RunRecord | UnreadableRun, now: datetime, every: Records, *, undone: bool) -> Row:
    if isinstance(one, UnreadableRun):
        cells = (Cell("?", Tone.UNKNOWN), Cell("?", Tone.UNKNOWN), Cell("✖ cannot be read", Tone.CRITICAL))
        return Row(
            RunKey(one.path.stem),
            (*cells, Cell(""), Cell(""), Cell(one.path.stem), *(Cell(""),) * (2 if undone else 1)),
        )
    who, undo = one.operator, undone_by(one, every)
    return Row(
        RunKey(one.header.run),
        (
            Cell(timestamp(one.header.started_at, now)),
            Cell(one.plan.action),
            standing_cell(one),
            Cell(f"{_well(one)}/{len(one.steps)}"),
            Cell(f"{who.user}@{who.host}", Tone.MUTED),
            Cell(one.header.run, Tone.MUTED),
            Cell(one.plan.cluster, Tone.MUTED),
            *((Cell(undo.header.run if undo else "", Tone.MUTED),) if undone else ()),
        ),
    )


def standing_cell(record: RunRecord) -> Cell:
    """The state of the run, in a word or two."""
    if record.standing is RunStatus.RUNNING:
        return Cell("▸ running", Tone.ACCENT)
    if record.standing is RunStatus.BROKEN_OFF or record.outcome is None:
        return Cell("▲ interrupted", Tone.WARNING)
    return ENDINGS[record.outcome]


def _well(record: RunRecord) -> int:
    return sum(one.state in WELL for one in record.steps)


def about_record(one: RunRecord | UnreadableRun, now: datetime) -> Detail:
    """The operator and start of the run, its progress, its problems and the next step to take."""
    if isinstance(one, UnreadableRun):
        return Detail(one.path.stem, (Sentence(Cell(one.why, Tone.CRITICAL)), Fact("record", Cell(str(one.path)))))
    header = one.header
    wrong = tuple(each for each in one.steps if each.error)
    torn_item = (Fact("torn", Cell(f"{one.torn_lines} incomplete lines were skipped", Tone.WARNING)),)
    return Detail(
        header.run,
        (
            Fact("state", standing_cell(one)),
            Fact("action", Cell(f"{one.plan.action} of {one.plan.cluster}")),
            Fact("begun", Cell(f"{timestamp(header.started_at, now)} UTC by {_who(one)}")),
            *(Fact("resumed", Cell(f"{timestamp(each.at, now)} UTC")) for each in one.resumed),
            *(
                Fact("overridden", Cell(f"{'; '.join(each.rules)}: {each.reason}", Tone.WARNING))
                for each in one.overrides
            ),
            *((Fact("ended", Cell(f"{timestamp(one.ended_at, now)} UTC")),) if one.ended_at else ()),
            Fact("steps", Cell(_counts(one))),
            *(torn_item if one.torn_lines else ()),
            *_next(one),
            *((Heading("Problems"),) if wrong else ()),
            *(Sentence(Cell(f"{step_title(one.plan, each.step)}: {each.error}", Tone.CRITICAL), "✖") for each in wrong),
            Heading("Log"),
            Fact("record", Cell(str(one.path))),
            Fact("inventory", Cell(header.inventory)),
        ),
    )


def _counts(record: RunRecord) -> str:
    """The counts of the run as its result has them; before its end, the steps by their logged states."""
    end = _end(record)
    if end is not None:
        return end.counts()
    counts = Counter(each.state for each in record.steps)
    return ", ".join(f"{number} {state.replace('-', ' ')}" for state, number in counts.items())


def _who(record: RunRecord) -> str:
    who = record.header.operator
    return f"{who.user} on {who.host} (process {who.pid})"


def _next(record: RunRecord) -> tuple[Item, ...]:
    if record.standing is RunStatus.BROKEN_OFF:
        text = "Press r to resume the run: it reads the hosts' state and continues at the first step that is not done."
        return (Heading("Next"), Sentence(Cell(text)))
    return (Heading("Next"), Sentence(Cell(record.next_step))) if record.next_step else ()


def view_of(record: RunRecord) -> RunView:
    """The log as the run it was, over or not."""
    start_times = {one.step: one.begun_at for one in record.steps if one.begun_at is not None}
    outputs = {one.step: tuple(one.output.splitlines()) for one in record.steps if one.output}
    interruption = BROKEN_OFF if record.standing is RunStatus.BROKEN_OFF else None
    return RunView(
        plan=record.plan,
        begun_at=record.header.started_at,
        run=record.header.run,
        started=MappingProxyType(start_times),
        ended=MappingProxyType({one.step: _step_done(record, one) for one in record.steps if one.state in OUTCOMES}),
        output=MappingProxyType(outputs),
        end=_end(record),
        interruption=interruption,
        changes=(),
    )


def _step_done(record: RunRecord, one: StepRecord) -> StepDone:
    step = step_of(record.plan, one.step)
    assert step is not None
    at = one.at or record.header.started_at
    seconds = (at - one.begun_at).total_seconds() if one.begun_at else 0.0
    return StepDone(record.header.run, at, one.step, step.host, OUTCOMES[one.state], seconds, one.error)


def _end(record: RunRecord) -> RunDone | None:
    if record.outcome is None or record.ended_at is None:
        return None
    if record.end is not None:
        return record.end
    count = Counter(one.state for one in record.steps)
    began_at = record.resumed[-1].at if record.resumed else record.header.started_at
    changing = {step.step for step in record.started_steps}
    changed = tuple(one for one in record.steps if one.step in changing and one.state is not StepState.ALREADY)
    verified = sum(one.state is StepState.VERIFIED for one in changed)
    return RunDone(
        record.header.run,
        record.ended_at,
        record.outcome,
        (record.ended_at - began_at).total_seconds(),
        changed=len(changed),
        already_right=count[StepState.ALREADY],
        failed=count[StepState.FAILED] + count[StepState.UNKNOWN] + count[StepState.PERFORMED],
        next_step=record.next_step,
        checked=count[StepState.VERIFIED] - verified,
        not_started=count[StepState.NOT_STARTED],
        half_done=len(changed) - verified,
    )


def resuming(record: RunRecord) -> Detail:
    """The confirmation before a run is resumed: the completed, unknown and remaining steps."""
    unknown = tuple(one for one in record.steps if one.state in (StepState.UNKNOWN, StepState.PERFORMED))
    remaining = len(record.steps) - _well(record)
    irreversible_steps = {step.id for step in irreversible(record.plan)}
    final = tuple(one for one in record.steps if one.step in irreversible_steps and one.state not in WELL)
    return Detail(
        f"resume {record.plan.action} of {record.plan.cluster}?",
        (
            Fact("run", Cell(record.header.run)),
            Fact("done", Cell(f"{_well(record)} of {len(record.steps)} steps; {remaining} are checked again")),
            Sentence(Cell("The hosts are checked first. Completed changes are not repeated.")),
            *((Heading("Started, with unknown result"),) if unknown else ()),
            *(Sentence(Cell(step_title(record.plan, one.step), Tone.UNKNOWN), "?") for one in unknown),
            *((Heading("Cannot be undone"),) if final else ()),
            *(Sentence(Cell(step_title(record.plan, one.step), Tone.WARNING), "✖") for one in final),
        ),
    )


def offer_to_resume(record: RunRecord, now: datetime) -> Detail:
    """The prompt at start when the newest run was interrupted."""
    start_time = timestamp(record.header.started_at, now)
    return Detail(
        "a run was interrupted: show it?",
        (
            Sentence(
                Cell(
                    f"{record.plan.action} of {record.plan.cluster}, started {start_time} UTC, did not finish.",
                    Tone.WARNING,
                )
            ),
            Sentence(Cell(f"{_well(record)} of its {len(record.steps)} steps are known to be done.")),
            Sentence(Cell("y shows the run, where r resumes it. n ignores it; h lists it later.")),
        ),
    )


def last_backup(records: Records) -> LastBackup:
    """The newest snapshot of etcd that a logged run saved and verified."""
    times = (
        one.at
        for record in records
        if isinstance(record, RunRecord)
        for step, one in zip(record.plan.steps, record.steps, strict=True)
        if isinstance(step.operation, SaveSnapshot) and one.state is StepState.VERIFIED and one.attempts and one.at
    )
    return LastBackup(max(times, default=None))


def broken_off(records: Records) -> RunRecord | None:
    """The newest run, if it was interrupted."""
    newest = records[0] if records else None
    return newest if isinstance(newest, RunRecord) and newest.standing is RunStatus.BROKEN_OFF else None
