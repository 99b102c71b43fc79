"""One step's way to its ending: picked up where an earlier process began it, else checked, recorded, done, verified."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from haconsole.actions.operations import Nothing
from haconsole.actions.step import Step, StepId
from haconsole.execution.checks import Checks, Verdict
from haconsole.execution.clock import Clock
from haconsole.execution.events import Outcome, RunId, StepOutput
from haconsole.execution.journal import Journal
from haconsole.execution.outcome import Performed
from haconsole.execution.perform import Performer
from haconsole.execution.records import StepRecord, StepState
from haconsole.execution.telling import Telling
from haconsole.transport.base import TransportError

LOOKED_FOR_S = 10.0
"""How long the effect of a command that was cut off is waited for before the step is begun again."""
HOLDS_S = 1.0
"""What was asked of hosts before a step is asked again when a gate held the step longer than this."""
PASSES = 2
"""A step passes its gates at most twice: a gate that is slow every time delays the step but lets it start."""
WELL = (StepState.PERFORMED, StepState.VERIFIED, StepState.ALREADY)


@dataclass(frozen=True, slots=True)
class Ending:
    """How one step ended; `performed` tells whether anything was done on a host."""

    outcome: Outcome
    error: str | None = None
    performed: bool = False


class StepWork:
    """Brings the steps of one run to their endings. `so_far` is what the record tells of them, by their names.

    `let_through` holds a step until it may begin; False when the run was stopped meanwhile.
    """

    def __init__(
        self,
        run: RunId,
        *,
        checks: Checks,
        performer: Performer,
        journal: Journal,
        clock: Clock,
        telling: Telling,
        so_far: dict[StepId, StepRecord],
        let_through: Callable[[Step], Awaitable[bool]],
    ) -> None:
        self._run = run
        self._checks = checks
        self._performer = performer
        self._journal = journal
        self._clock = clock
        self._telling = telling
        self._so_far = so_far
        self._let_through = let_through

    async def carry_out(self, step: Step) -> Ending:
        """Raises StoppedError of a gate, JournalError where it could not be recorded."""
        before = self._so_far.get(step.id)
        picked_up = await self._picked_up(step, before) if before is not None and not before.heard else None
        if picked_up is not None:
            return picked_up
        if before is not None and before.state in WELL and not step.verification:
            await self._journal.already(step.id)
            return Ending(Outcome.ALREADY)
        for _ in range(PASSES):
            refused = await self._before(step)
            if refused is not None:
                return refused
            asked = self._clock.monotonic()
            if not await self._let_through(step):
                return Ending(Outcome.SKIPPED)
            if self._clock.monotonic() - asked < HOLDS_S:
                break
        return await self._attempt(step, before.attempts + 1 if before is not None else 1)

    async def _attempt(self, step: Step, attempt: int) -> Ending:
        """Record, perform, verify."""
        try:
            boot = await self._performer.boot_of(step)
        except TransportError as error:
            await self._journal.refused(step.id, (str(error),))
            return Ending(Outcome.FAILED, str(error))
        await self._journal.intent(step.id, attempt, boot)
        performed = await self._performer.perform(step, attempt, partial(self._say, step.id))
        await self._journal.performed(step.id, performed.outcome, performed.output, performed.error)
        if performed.output:
            await self._say(step.id, performed.output)
        changed = not isinstance(step.operation, Nothing)
        if performed.outcome is Outcome.FAILED:
            return Ending(Outcome.FAILED, performed.error, changed)
        verdict = await self._verify(step, step.verify_within_s)
        await self._tell_verified(step, performed, verdict)
        if performed.outcome is Outcome.UNKNOWN:
            return self._looked_up(step, performed.error, verdict, changed)
        if verdict.holds:
            return Ending(Outcome.DONE, None, changed)
        return Ending(Outcome.FAILED, _not_there(step, verdict), changed)

    async def _picked_up(self, step: Step, before: StepRecord) -> Ending | None:
        """The ending of a step whose end an earlier process did not hear; None where it must be performed after all."""
        performed = await self._performer.pick_up(step, before.attempts, before.boot)
        if performed is None:
            return None
        await self._journal.performed(step.id, performed.outcome, performed.output, performed.error)
        if performed.output:
            await self._say(step.id, performed.output)
        if performed.outcome is Outcome.FAILED:
            return None
        verdict = await self._verify(step, step.verify_within_s if performed.outcome is Outcome.DONE else LOOKED_FOR_S)
        await self._tell_verified(step, performed, verdict)
        if verdict.holds and (step.verification or performed.outcome is Outcome.DONE):
            return Ending(Outcome.DONE, None, performed=True)
        if verdict.unheard:
            return Ending(Outcome.UNKNOWN, "; ".join(verdict.sentences), performed=True)
        return None

    async def _tell_verified(self, step: Step, performed: Performed, verdict: Verdict) -> None:
        """Record the verdict; none was given on what was not heard of and cannot be asked for."""
        if step.verification or performed.outcome is not Outcome.UNKNOWN:
            await self._journal.verified(step.id, verdict.sentences)

    async def _before(self, step: Step) -> Ending | None:
        """ALREADY when the effect is there, FAILED when the step must not begin, None when it may."""
        if step.verification:
            there = await self._checks.ask(step.verification, step)
            if there.holds:
                await self._journal.already(step.id)
                return Ending(Outcome.ALREADY)
            if there.unheard:
                await self._journal.refused(step.id, there.unheard)
                return Ending(Outcome.FAILED, "; ".join(there.unheard))
        verdict = await self._checks.ask(step.precondition, step)
        if verdict.holds:
            return None
        await self._journal.refused(step.id, verdict.sentences)
        return Ending(Outcome.FAILED, "; ".join(verdict.sentences))

    def _looked_up(self, step: Step, error: str | None, verdict: Verdict, changed: bool) -> Ending:
        """A step whose end was not heard: its effect decides, where it has one that can be asked for."""
        if step.verification and verdict.holds:
            return Ending(Outcome.DONE, None, changed)
        return Ending(Outcome.UNKNOWN, "; ".join(filter(None, (error, *verdict.sentences))), changed)

    async def _verify(self, step: Step, within_s: float) -> Verdict:
        """Ask until the verification holds or its time is over; the last answer."""
        until = self._clock.monotonic() + within_s
        pause = 0.05
        while True:
            verdict = await self._checks.ask(step.verification, step)
            if verdict.holds or self._clock.monotonic() >= until:
                return verdict
            await self._clock.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    async def _say(self, step: StepId, text: str) -> None:
        await self._telling.tell(StepOutput(self._run, self._clock.now(), step, text))


def _not_there(step: Step, verdict: Verdict) -> str:
    return f"done, but its effect is not there after {step.verify_within_s:g} s: {'; '.join(verdict.sentences)}"
