"""Runs one step to its end: checks, logs, performs and verifies it, or resumes what an earlier process started."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from haconsole.actions.operations import Nothing
from haconsole.actions.step import Step
from haconsole.execution.clock import Clock
from haconsole.execution.events import Outcome, RunId, StepOutput
from haconsole.execution.log.run_log import RunLog
from haconsole.execution.log.run_record import StepRecord, StepState
from haconsole.execution.outcome import OperationResult
from haconsole.execution.perform import Performer
from haconsole.execution.steps.event_queue import EventQueue
from haconsole.execution.verify.checks import CheckResult, Checks
from haconsole.model.names import StepId
from haconsole.transport.base import TransportError

LOOKED_FOR_S = 10.0
"""The wait for the effect of an interrupted command before the step is started again."""
HOLDS_S = 1.0
"""Checks of a step are repeated when a gate delayed the step longer than this."""
PASSES = 2
"""A step passes its gates at most twice: a gate that is slow every time delays the step but lets it start."""
WELL = (StepState.PERFORMED, StepState.VERIFIED, StepState.ALREADY)


class StepResult(msgspec.Struct, frozen=True):
    """The result of one step; `performed` is true if anything was done on a host."""

    outcome: Outcome
    error: str | None = None
    performed: bool = False


class StepRunner:
    """Runs the steps of one run to their end. `so_far` is the log's state of them, by their names.

    `release` holds a step until it may start; False when the run was stopped meanwhile.
    """

    def __init__(
        self,
        run: RunId,
        *,
        checks: Checks,
        performer: Performer,
        run_log: RunLog,
        clock: Clock,
        events: EventQueue,
        so_far: dict[StepId, StepRecord],
        release: Callable[[Step], Awaitable[bool]],
    ) -> None:
        self._run = run
        self._checks = checks
        self._performer = performer
        self._run_log = run_log
        self._clock = clock
        self._event_queue = events
        self._so_far = so_far
        self._release = release

    async def carry_out(self, step: Step) -> StepResult:
        """Raises StoppedError of a gate, JournalError if it could not be logged."""
        before = self._so_far.get(step.id)
        picked_up = await self._picked_up(step, before) if before is not None and not before.end_known else None
        if picked_up is not None:
            return picked_up
        if before is not None and before.state in WELL and not step.verification:
            await self._run_log.log_already_done(step.id)
            return StepResult(Outcome.ALREADY)
        for _ in range(PASSES):
            refused = await self._before(step)
            if refused is not None:
                return refused
            asked_at = self._clock.monotonic()
            if not await self._release(step):
                return StepResult(Outcome.SKIPPED)
            if self._clock.monotonic() - asked_at < HOLDS_S:
                break
        return await self._attempt(step, before.attempts + 1 if before is not None else 1)

    async def _attempt(self, step: Step, attempt: int) -> StepResult:
        """Log, perform, verify."""
        try:
            boot = await self._performer.boot_of(step)
        except TransportError as error:
            await self._run_log.log_refusal(step.id, (str(error),))
            return StepResult(Outcome.FAILED, str(error))
        await self._run_log.log_intent(step.id, attempt, boot)
        performed = await self._performer.perform(step, attempt, partial(self._say, step.id))
        await self._run_log.log_result(step.id, performed.outcome, performed.output, performed.error)
        if performed.output:
            await self._say(step.id, performed.output)
        changed = not isinstance(step.operation, Nothing)
        if performed.outcome is Outcome.FAILED:
            return StepResult(Outcome.FAILED, performed.error, changed)
        result = await self._verify(step, step.verify_within_s)
        await self._tell_verified(step, performed, result)
        if performed.outcome is Outcome.UNKNOWN:
            return self._looked_up(step, performed.error, result, changed)
        if result.holds:
            return StepResult(Outcome.DONE, None, changed)
        return StepResult(Outcome.FAILED, _not_there(step, result), changed)

    async def _picked_up(self, step: Step, before: StepRecord) -> StepResult | None:
        """The end of a step whose result an earlier process did not receive; None if it must be performed after all."""
        performed = await self._performer.pick_up(step, before.attempts, before.boot)
        if performed is None:
            return None
        await self._run_log.log_result(step.id, performed.outcome, performed.output, performed.error)
        if performed.output:
            await self._say(step.id, performed.output)
        if performed.outcome is Outcome.FAILED:
            return None
        result = await self._verify(step, step.verify_within_s if performed.outcome is Outcome.DONE else LOOKED_FOR_S)
        await self._tell_verified(step, performed, result)
        if result.holds and (step.verification or performed.outcome is Outcome.DONE):
            return StepResult(Outcome.DONE, None, performed=True)
        if result.unknown:
            return StepResult(Outcome.UNKNOWN, "; ".join(result.sentences), performed=True)
        return None

    async def _tell_verified(self, step: Step, performed: OperationResult, result: CheckResult) -> None:
        """Log the verdict; a step without result and check has none."""
        if step.verification or performed.outcome is not Outcome.UNKNOWN:
            await self._run_log.log_verification(step.id, result.sentences)

    async def _before(self, step: Step) -> StepResult | None:
        """ALREADY when the effect is there, FAILED when the step must not start, None when it may."""
        if step.verification:
            there = await self._checks.ask(step.verification, step)
            if there.holds:
                await self._run_log.log_already_done(step.id)
                return StepResult(Outcome.ALREADY)
            if there.unknown:
                await self._run_log.log_refusal(step.id, there.unknown)
                return StepResult(Outcome.FAILED, "; ".join(there.unknown))
        result = await self._checks.ask(step.precondition, step)
        if result.holds:
            return None
        await self._run_log.log_refusal(step.id, result.sentences)
        return StepResult(Outcome.FAILED, "; ".join(result.sentences))

    def _looked_up(self, step: Step, error: str | None, result: CheckResult, changed: bool) -> StepResult:
        """A step without a known result: its effect decides, if it has a check."""
        if step.verification and result.holds:
            return StepResult(Outcome.DONE, None, changed)
        return StepResult(Outcome.UNKNOWN, "; ".join(filter(None, (error, *result.sentences))), changed)

    async def _verify(self, step: Step, within_s: float) -> CheckResult:
        """Check until the verification holds or its time is over; returns the last answer."""
        until = self._clock.monotonic() + within_s
        pause = 0.05
        while True:
            result = await self._checks.ask(step.verification, step)
            if result.holds or self._clock.monotonic() >= until:
                return result
            await self._clock.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    async def _say(self, step: StepId, text: str) -> None:
        await self._event_queue.put(StepOutput(self._run, self._clock.now(), step, text))


def _not_there(step: Step, result: CheckResult) -> str:
    return f"done, but its effect is not there after {step.verify_within_s:g} s: {'; '.join(result.sentences)}"
