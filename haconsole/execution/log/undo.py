"""Plans the undo of a run: only completed changes, newest first. Makes no change itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from haconsole.actions.checks import Check, CommandSucceeds, FileIs
from haconsole.actions.operations import (
    Irreversible,
    LeftByUndo,
    Operation,
    RunCommand,
    UndoByCommand,
    UndoByRestoringFiles,
    WriteFile,
)
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.execution.host.detached import folder_of, place_in
from haconsole.execution.host.files import aside_end, aside_path
from haconsole.execution.log.resume import under_way_still, undone_by
from haconsole.execution.log.run_record import RunRecord, RunStatus, StepRecord, UnreadableRun
from haconsole.execution.secrets import names_a_secret
from haconsole.model.names import StepId
from haconsole.scripts import load_script

ACTION = "undo"
ANY = "-"
ONLY_BACK = "="

PUT_BACK = load_script("restore-files")

IS_BACK = load_script("check-file-restored")

STILL_RUNS = load_script("check-command-ended")


class NotUndone(msgspec.Struct, frozen=True):
    """A step that is not undone, and the reason."""

    step: Step
    why: str


def plan_undo(record: RunRecord, runs: tuple[RunRecord | UnreadableRun, ...], run_dir: str) -> Plan | Refusal:
    """The undo of `record`, given all `runs`; `run_dir` is the folder of detached commands on hosts."""
    reasons = why_not_undo(record, runs)
    steps = {step.id: step for step in record.plan.steps}
    newest_first = sorted(
        record.started_steps, key=lambda one: (one.begun_at or _EVER, _place(record, one)), reverse=True
    )
    undos = tuple(_undo_of(steps[one.step], one, record, run_dir) for one in newest_first)
    back = _units_after_files(tuple(one for one in undos if isinstance(one, Step)), steps)
    if not reasons and not back:
        reasons = (f"{record.header.run} did nothing that can be undone{_stays(undos)}",)
    if reasons:
        return Refusal(ACTION, record.plan.cluster, reasons)
    needs: tuple[StepId, ...] = ()
    chained: list[Step] = []
    for step in back:
        chained.append(replace(step, needs=needs))
        needs = (step.id,)
    summary = f"undoes {len(back)} of the {len(undos)} steps of {record.header.run}, newest first{_stays(undos)}"
    return Plan(ACTION, record.plan.cluster, tuple(chained), summary, record.header.run)


def _units_after_files(back: tuple[Step, ...], steps: dict[StepId, Step]) -> tuple[Step, ...]:
    """A unit whose files must be restored before it comes after the last step of its phase on its host."""
    ordered: list[Step] = []
    waiting: list[Step] = []
    for number, step in enumerate(back):
        (waiting if _waits_for_files(step, steps) else ordered).append(step)
        later = {(one.host, one.phase) for one in back[number + 1 :]}
        ordered += [one for one in waiting if (one.host, one.phase) not in later]
        waiting = [one for one in waiting if (one.host, one.phase) in later]
    return tuple(ordered)


def _waits_for_files(step: Step, steps: dict[StepId, Step]) -> bool:
    undo = steps[StepId(step.id.removeprefix("undo."))].undo
    return isinstance(undo, UndoByCommand) and undo.after_files


def why_not_undo(record: RunRecord, runs: tuple[RunRecord | UnreadableRun, ...]) -> tuple[str, ...]:
    """All reasons against undoing `record`; none if it may be undone."""
    run = record.header.run
    if record.standing is RunStatus.RUNNING:
        return (under_way_still(record),)
    if record.plan.undoes:
        return (f"{run} is itself an undo: run the action of {record.plan.undoes} again",)
    if not record.intact:
        return ("the plan in the run's log differs from the confirmed plan; undo the run by hand",)
    undo = undone_by(record, runs)
    if undo is None:
        return ()
    name = undo.header.run
    return (f"{run} was undone by {name}" if undo.complete else f"resume its undo: haconsole resume {name}",)


def _undo_of(step: Step, one: StepRecord, record: RunRecord, run_dir: str) -> Step | NotUndone:
    match step.undo:
        case RunCommand() as command:
            return _step(step, one, record, run_dir, command, ())
        case UndoByCommand(operation=operation, verification=verification):
            return _step(step, one, record, run_dir, operation, verification)
        case UndoByRestoringFiles(paths=paths):
            known = _sum(step)
            if known == ANY and not one.end_known:
                return NotUndone(step, "the result of the step is unknown; resume the run first")
            return _step(step, one, record, run_dir, *_put_back(paths, known, aside_end(record.header.run, step.id)))
        case Irreversible(reason=reason) | LeftByUndo(reason=reason):
            return NotUndone(step, reason)
        case None:
            return NotUndone(step, "the plan has no undo for the step")
        case _:
            assert_never(step.undo)


def _step(
    step: Step, one: StepRecord, record: RunRecord, run_dir: str, operation: Operation, verification: tuple[Check, ...]
) -> Step:
    what_happened = "was started" if not one.end_known else "was done"
    under_way = place_in(folder_of(run_dir, record.header.run), step.id, one.attempts)
    problem = f"a command of {record.header.run} is still running; wait for it: haconsole resume {record.header.run}"
    over = CommandSucceeds(("sh", "-c", STILL_RUNS, "over", under_way), problem, means="it is over")
    return Step(
        id=StepId(f"undo.{step.id}"),
        title=f"Undo: {step.title}",
        why=f"This step {what_happened} by {record.header.run}.",
        host=step.host,
        operation=operation,
        precondition=(over,) if not one.end_known and isinstance(step.operation, RunCommand) else (),
        verification=verification,
        phase=step.phase,
        verify_within_s=step.verify_within_s,
    )


def _put_back(paths: tuple[str, ...], known: str, end: str) -> tuple[RunCommand, tuple[Check, ...]]:
    """The first path shows whether it was done, so it comes last."""
    words = tuple((path, aside_path(path, end), aside_path(path, f"{end}.undone"), known) for path in paths)
    flat = tuple(word for each in reversed(words) for word in each)
    means = f"{paths[0]} is as before the step"
    back = CommandSucceeds(
        ("sh", "-c", IS_BACK, "back", *words[0]), "the file still has the content that the step wrote", means=means
    )
    return RunCommand(("sh", "-ec", PUT_BACK, "put-back", *flat)), (back,)


def _sum(step: Step) -> str:
    """The SHA-256 of the file that the step writes, if the plan determines it."""
    if isinstance(step.operation, WriteFile) and names_a_secret(step.operation.content):
        return ANY
    alone = ONLY_BACK if isinstance(step.operation, RunCommand) else ANY
    return next((check.sha256 for check in step.verification if isinstance(check, FileIs)), alone)


def _stays(undos: tuple[Step | NotUndone, ...]) -> str:
    """The steps that are not undone, with reasons; each reason once."""
    reasons: dict[str, list[str]] = {}
    for one in undos:
        if isinstance(one, NotUndone):
            reasons.setdefault(one.why, []).append(f"{one.step.title} ({one.step.host})")
    return "".join(f"\nstays: {', '.join(dict.fromkeys(steps))}: {why}" for why, steps in reasons.items())


def _place(record: RunRecord, one: StepRecord) -> int:
    return next(number for number, step in enumerate(record.plan.steps) if step.id == one.step)


_EVER = datetime.min.replace(tzinfo=UTC)
