"""A run's events as JSON, one per line, and its end as text."""

from __future__ import annotations

from typing import assert_never

import msgspec

from haconsole.cli.reports.findings import Shape, stamp
from haconsole.execution.events import (
    Event,
    RunDone,
    RunStarted,
    StepDone,
    StepOutput,
    StepPaused,
    StepResumed,
    StepStarted,
)
from haconsole.present.running import ending

SCHEMA = "haconsole/run/v1"


class RunStartedReport(Shape, frozen=True, tag="run-started", tag_field="event"):
    """The first line; `steps` is the number of steps of the plan."""

    schema: str
    run: str
    at: str
    action: str
    cluster: str
    steps: int


class StepStartedReport(Shape, frozen=True, tag="step-started", tag_field="event"):
    schema: str
    run: str
    at: str
    step: str
    host: str
    title: str


class StepPausedReport(Shape, frozen=True, tag="step-held", tag_field="event"):
    """The run is paused, and this step waits for its release."""

    schema: str
    run: str
    at: str
    step: str
    host: str


class StepResumedReport(Shape, frozen=True, tag="step-released", tag_field="event"):
    schema: str
    run: str
    at: str
    step: str
    host: str


class StepOutputReport(Shape, frozen=True, tag="step-output", tag_field="event"):
    """The host's output, secrets redacted."""

    schema: str
    run: str
    at: str
    step: str
    text: str


class StepDoneReport(Shape, frozen=True, tag="step-done", tag_field="event"):
    """`outcome` is done, already, failed, unknown or skipped; `error` is null if all is well."""

    schema: str
    run: str
    at: str
    step: str
    host: str
    outcome: str
    seconds: float
    error: str | None


class RunDoneReport(Shape, frozen=True, tag="run-done", tag_field="event"):
    """The last line; `outcome` is the worst of the steps', `next` the next step to take if it is not done."""

    schema: str
    run: str
    at: str
    outcome: str
    seconds: float
    changed: int
    already_right: int = msgspec.field(name="already")
    failed: int
    next: str | None
    checked: int = 0
    not_started: int = 0


EventReport = (
    RunStartedReport
    | StepStartedReport
    | StepPausedReport
    | StepResumedReport
    | StepOutputReport
    | StepDoneReport
    | RunDoneReport
)


def event_report(event: Event) -> EventReport:
    """An event in its JSON shape."""
    at = stamp(event.at)
    match event:
        case RunStarted():
            return RunStartedReport(SCHEMA, event.run, at, event.action, event.cluster, event.steps)
        case StepStarted():
            return StepStartedReport(SCHEMA, event.run, at, event.step, event.host, event.title)
        case StepPaused():
            return StepPausedReport(SCHEMA, event.run, at, event.step, event.host)
        case StepResumed():
            return StepResumedReport(SCHEMA, event.run, at, event.step, event.host)
        case StepOutput():
            return StepOutputReport(SCHEMA, event.run, at, event.step, event.text)
        case StepDone():
            seconds = round(event.seconds, 3)
            return StepDoneReport(
                SCHEMA, event.run, at, event.step, event.host, event.outcome.value, seconds, event.error
            )
        case RunDone():
            return _run_done(event, at)
        case _:
            assert_never(event)


def _run_done(event: RunDone, at: str) -> RunDoneReport:
    return RunDoneReport(
        schema=SCHEMA,
        run=event.run,
        at=at,
        outcome=event.outcome.value,
        seconds=round(event.seconds, 3),
        changed=event.changed,
        already_right=event.already_right,
        failed=event.failed,
        next=event.next_step,
        checked=event.checked,
        not_started=event.not_started,
    )


def run_text(action: str, cluster: str, end: RunDone) -> str:
    """The end of a run for a person: its result, and the next step to take."""
    head = f"{action} of {cluster}: {ending(end).text} (run {end.run})"
    return f"{head}\nnext: {end.next_step}" if end.next_step else head
