"""The estimated time to the end of a run, by earlier runs of the same action."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from haconsole.actions.step import Plan
from haconsole.execution.log.run_record import RunRecord, StepRecord, StepState, UnreadableRun
from haconsole.model.names import StepId

RUNS = 5
"""The number of earlier runs that count, the newest ones."""


def remaining_s(
    plan: Plan,
    started: Mapping[StepId, datetime],
    ended: Collection[StepId],
    earlier_s: Mapping[StepId, float],
    now: datetime,
) -> float | None:
    """The seconds to the end: the longest chain of steps that need each other, by their earlier times.

    None if the time of a step that has not ended is not known.
    """
    if any(step.id not in ended and step.id not in earlier_s for step in plan.steps):
        return None
    ends: dict[StepId, float] = {}
    for step in plan.steps:
        begin = max((ends.get(need, 0.0) for need in step.needs), default=0.0)
        took = 0.0 if step.id in ended else earlier_s.get(step.id, 0.0)
        if step.id in started:
            took = max(took - (now - started[step.id]).total_seconds(), 0.0)
        ends[step.id] = begin + took
    return max(ends.values(), default=0.0)


def earlier_seconds(records: Iterable[RunRecord | UnreadableRun], plan: Plan) -> dict[StepId, float]:
    """The longest time of each step in the newest runs of the same action on the same cluster; 0 if it was skipped.

    A step that those runs did not have takes the longest time of the same step on another host.
    """
    same = [
        one
        for one in records
        if isinstance(one, RunRecord) and (one.plan.action, one.plan.cluster) == (plan.action, plan.cluster)
    ]
    longest: dict[StepId, float] = {}
    of_kind: dict[str, float] = {}
    for record in same[:RUNS]:
        for one in record.steps:
            seconds = _seconds_of(one)
            if seconds is not None:
                longest[one.step] = max(seconds, longest.get(one.step, 0.0))
                of_kind[_kind(one.step)] = max(seconds, of_kind.get(_kind(one.step), 0.0))
    similar = {step.id: of_kind[_kind(step.id)] for step in plan.steps if _kind(step.id) in of_kind}
    return {**similar, **longest}


def _seconds_of(one: StepRecord) -> float | None:
    """The time of a step that succeeded; None if its time is not logged."""
    if one.state is StepState.ALREADY:
        return 0.0
    if one.state is StepState.VERIFIED and one.begun_at is not None and one.at is not None:
        return (one.at - one.begun_at).total_seconds()
    return None


def _kind(step: StepId) -> str:
    """The part of the step's name before its host: ``etcd`` of ``etcd@cp1``."""
    return step.partition("@")[0]
