"""Decides whether a run may be resumed, with the reasons if not."""

from __future__ import annotations

from collections.abc import Mapping

from haconsole.actions.step import Plan
from haconsole.execution.log.run_record import RunRecord, RunStatus, UnreadableRun
from haconsole.inventory.parts import changed_parts
from haconsole.model.names import StepId


def undone_by(record: RunRecord, runs: tuple[RunRecord | UnreadableRun, ...]) -> RunRecord | None:
    """The run that undid `record`, or started to."""
    return next(
        (
            one
            for one in runs
            if isinstance(one, RunRecord) and one.plan.undoes == record.header.run and one.started_steps
        ),
        None,
    )


def why_not_resume(
    record: RunRecord, runs: tuple[RunRecord | UnreadableRun, ...], cluster: str, parts: Mapping[str, str]
) -> tuple[str, ...]:
    """All reasons against resuming `record` with an inventory of `cluster` that has these `parts`; none if it may be
    resumed.
    """
    run = record.header.run
    new_run = f"haconsole undo {record.plan.undoes}" if record.plan.undoes else f"haconsole run {record.plan.action}"
    if record.standing is RunStatus.RUNNING:
        return (under_way_still(record),)
    if record.complete:
        return (f"{run} is complete: there is nothing to resume",)
    reasons = []
    undo = undone_by(record, runs)
    if undo is not None:
        reasons.append(f"{run} was undone by {undo.header.run}; plan it again: {new_run}")
    if not record.intact:
        reasons.append(f"the plan in the run's log differs from the confirmed plan; plan again: {new_run}")
    changed = changed_parts(record.header.parts, parts)
    if cluster != record.plan.cluster:
        reasons.append(f"the run belongs to cluster {record.plan.cluster}, but the inventory belongs to {cluster}")
    elif changed:
        reason = f"the inventory was changed since the run: {', '.join(changed)}"
        reasons.append(f"{reason}; restore it, or plan again: {new_run}")
    return tuple(reasons)


def may_wait_for_others(plan: Plan, started_steps: frozenset[StepId], step: StepId) -> bool:
    """Whether a step that could run in parallel with this one has not started: this one's end may depend on it.

    That is the case for etcd members that start for the first time: none is up before a majority is.
    """
    before: dict[StepId, frozenset[StepId]] = {}
    for one in plan.steps:
        before[one.id] = frozenset(one.needs).union(*(before[need] for need in one.needs))
    return any(
        one not in started_steps and one != step and one not in before[step] and step not in needs
        for one, needs in before.items()
    )


def under_way_still(record: RunRecord) -> str:
    """The process that runs it."""
    who = record.operator
    return (
        f"{record.header.run} is running: process {who.pid} of {who.user} on {who.host}; wait for its end, or "
        "stop it there"
    )
