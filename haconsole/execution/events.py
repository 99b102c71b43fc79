"""The events of a run while it happens; displays, the run log and `--json` all consume these."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType, TypeAlias

import msgspec

from haconsole.model.names import HostName, StepId

RunId = NewType("RunId", str)


class Outcome(StrEnum):
    """The result of a step. UNKNOWN: no result arrived, the host must be queried. SKIPPED: an earlier step failed."""

    DONE = "done"
    ALREADY = "already"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class RunStarted(msgspec.Struct, frozen=True):
    run: RunId
    at: datetime
    action: str
    cluster: str
    steps: int


class StepStarted(msgspec.Struct, frozen=True):
    run: RunId
    at: datetime
    step: StepId
    host: HostName
    title: str


class StepPaused(msgspec.Struct, frozen=True):
    """The run is paused: this step is ready and waits for its release."""

    run: RunId
    at: datetime
    step: StepId
    host: HostName


class StepResumed(msgspec.Struct, frozen=True):
    """A paused step continues."""

    run: RunId
    at: datetime
    step: StepId
    host: HostName


class StepOutput(msgspec.Struct, frozen=True):
    run: RunId
    at: datetime
    step: StepId
    text: str


class StepDone(msgspec.Struct, frozen=True):
    """`error` has the host, the attempt, its result and the next step to take; None if all is well.

    A SKIPPED step has one if something forbade it to start.
    """

    run: RunId
    at: datetime
    step: StepId
    host: HostName
    outcome: Outcome
    seconds: float
    error: str | None = None


class RunDone(msgspec.Struct, frozen=True):
    """The end: `outcome` is the worst of the steps'; `seconds` leaves out the time in which all steps were paused.

    `changed` counts the steps that changed something on a host, `half_done` those of them that failed.
    """

    run: RunId
    at: datetime
    outcome: Outcome
    seconds: float
    changed: int
    already_right: int
    failed: int
    next_step: str | None = None
    checked: int = 0
    not_started: int = 0
    half_done: int = 0

    def counts(self) -> str:
        """Every step once, by its result, such as ``94 changed, 26 already right, 6 checked, 0 failed``."""
        words = [f"{self.changed - self.half_done} changed", f"{self.already_right} already right"]
        words += [f"{self.checked} checked"] if self.checked else []
        words += [f"{self.failed} failed"]
        return ", ".join(words + ([f"{self.not_started} not started"] if self.not_started else []))


COUNTS = ("changed", "already_right", "failed", "checked", "not_started", "half_done")
"""The counts of a run's end, which the run log keeps."""

Event: TypeAlias = RunStarted | StepStarted | StepPaused | StepResumed | StepOutput | StepDone | RunDone
