"""Carries a plan out, side by side where steps allow it: each step is checked, recorded, performed and verified."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from functools import partial

from haconsole.actions.operations import Nothing
from haconsole.actions.step import Plan, Step, StepId
from haconsole.execution.checks import Checks, Verdict
from haconsole.execution.clock import Clock
from haconsole.execution.events import (
    Event,
    Outcome,
    RunDone,
    RunStarted,
    StepDone,
    StepHeld,
    StepOutput,
    StepReleased,
    StepStarted,
)
from haconsole.execution.gate import Gate, Pause, StoppedError
from haconsole.execution.journal import Heading, Journal, JournalError
from haconsole.execution.outcome import Performed
from haconsole.execution.perform import Performer
from haconsole.execution.records import StepRecord, StepState
from haconsole.execution.schedule import Schedule
from haconsole.model.names import HostName
from haconsole.transport.base import TransportError

STEPS_A_HOST = 8
LOOKED_FOR_S = 10.0
"""How long the effect of a command that was cut off is waited for before the step is begun again."""
HOLDS_S = 1.0
"""What was asked of hosts before a step is asked again when a gate held the step longer than this."""
EVENTS_WAITING = 64
WORST_FIRST = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.SKIPPED, Outcome.DONE, Outcome.ALREADY)
GOOD = (Outcome.DONE, Outcome.ALREADY)
WELL = (StepState.PERFORMED, StepState.VERIFIED, StepState.ALREADY)


@dataclass(frozen=True, slots=True)
class Ending:
    """How one step ended; `performed` tells whether anything was done on a host."""

    outcome: Outcome
    error: str | None = None
    performed: bool = False


class Executor:
    """Performs one plan once, or carries it on: `so_far` is then what the record tells of its steps.

    Nothing in the record is taken for true that hosts can be asked about: they are, for every step, and a command that
    an earlier process began is waited for on its host. A step that leaves nothing to ask for is not done twice.

    Every step passes `pause`, then each of `gates` in their order, before it is recorded and performed.
    """

    def __init__(
        self,
        plan: Plan,
        heading: Heading,
        *,
        checks: Checks,
        performer: Performer,
        journal: Journal,
        clock: Clock,
        redact: Callable[[str], str],
        so_far: tuple[StepRecord, ...] | None = None,
        gates: tuple[Gate, ...] = (),
        pause: Pause | None = None,
    ) -> None:
        self._plan = plan
        self._heading = heading
        self._run = heading.run
        self._checks = checks
        self._performer = performer
        self._journal = journal
        self._clock = clock
        self._redact = redact
        self._so_far = {record.step: record for record in so_far or ()}
        self._carried_on = so_far is not None
        self._gates = gates
        self.pause = pause or Pause()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(EVENTS_WAITING)
        self._listened = True
        self._schedule = Schedule(plan, STEPS_A_HOST)
        self._endings: dict[StepId, Ending] = {}
        self._stopping = False
        self._forbidden: str | None = None
        self._abandoned = False
        self._steps: asyncio.Task[None] | None = None
        self._unrecorded: str | None = None

    @property
    def ends_unheard(self) -> bool:
        """Whether something may still go on on a host that nobody waits for."""
        return any(ending.outcome is Outcome.UNKNOWN for ending in self._endings.values())

    def stop(self) -> None:
        """Start no further step; those under way go on to their end, those held do not begin."""
        self._stopping = True
        self.pause.open()

    def abandon(self) -> None:
        """Stop at once: steps under way are left to their hosts, their ends UNKNOWN."""
        self.stop()
        self._abandoned = True
        if self._steps is not None:
            self._steps.cancel()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Carry the plan out and tell it; to be called once. Closing the iterator stops after the current steps."""
        work = asyncio.create_task(self._all())
        try:
            while (event := await self._events.get()) is not None:
                self._room.release()
                yield event
        finally:
            self.stop()
            self._hang_up()
            await work

    def _hang_up(self) -> None:
        """Nobody listens any more: no step waits for room to tell something."""
        self._listened = False
        for _ in range(len(self._plan.steps) + 1):
            self._room.release()

    async def _all(self) -> None:
        begun = self._clock.monotonic()
        plan = self._plan
        try:
            await self._tell(RunStarted(self._run, self._clock.now(), plan.action, plan.cluster, len(plan.steps)))
            await self._begin()
            await self._perform()
            await self._finish(begun)
        finally:
            self._journal.close()
            self._events.put_nowait(None)

    async def _perform(self) -> None:
        """Every step to its ending; those cut off because the run was abandoned end here."""
        self._steps = asyncio.create_task(self._side_by_side())
        try:
            await self._steps
        except asyncio.CancelledError:
            self._steps.cancel()
            await asyncio.wait((self._steps,))
            if not self._abandoned:
                raise

    async def _side_by_side(self) -> None:
        await self._under_way()
        async with asyncio.TaskGroup() as group:

            def start() -> None:
                for step in self._schedule.start():
                    group.create_task(self._step(step, start))

            start()

    async def _under_way(self) -> None:
        """Wait for what an earlier process left under way: while it changes a host, no step can be judged there."""
        unheard = ((step, self._so_far.get(step.id)) for step in self._plan.steps)
        ends = (self._performer.pick_up(step, one.attempts, one.boot) for step, one in unheard if one and not one.heard)
        await asyncio.gather(*ends)

    async def _begin(self) -> None:
        """Write the heading, or that the run is carried on; where it cannot be written no step starts."""
        try:
            if self._carried_on:
                await self._journal.resumed(self._heading.operator)
            else:
                await self._journal.run(self._heading, self._plan)
        except JournalError as error:
            self._unrecorded = str(error)
            self.stop()

    async def _finish(self, begun: float) -> None:
        endings = [self._endings.get(step.id, Ending(Outcome.SKIPPED)) for step in self._plan.steps]
        count = Counter(ending.outcome for ending in endings)
        outcome = next((one for one in WORST_FIRST if count[one]), Outcome.ALREADY)
        if not count[Outcome.UNKNOWN]:
            await self._performer.clean_up(self._left_behind())
        next_step = self._next_step(outcome)
        if self._unrecorded is None:
            await self._end_record(outcome, next_step)
        if self._unrecorded is not None:
            outcome, next_step = Outcome.FAILED, self._unrecorded
        await self._tell(
            RunDone(
                run=self._run,
                at=self._clock.now(),
                outcome=outcome,
                seconds=self._clock.monotonic() - begun,
                changed=sum(ending.performed for ending in endings),
                already=count[Outcome.ALREADY],
                failed=count[Outcome.FAILED] + count[Outcome.UNKNOWN],
                next_step=next_step,
            )
        )

    def _left_behind(self) -> frozenset[HostName]:
        """Hosts where an earlier process of this run began something."""
        return frozenset(
            step.host for step in self._plan.steps if (record := self._so_far.get(step.id)) and record.attempts
        )

    async def _end_record(self, outcome: Outcome, next_step: str | None) -> None:
        try:
            await self._journal.end(outcome, next_step)
        except JournalError as error:
            self._unrecorded = str(error)

    def _next_step(self, outcome: Outcome) -> str | None:
        if outcome in GOOD:
            return None
        again = f"carry on with: haconsole resume {self._run}"
        if self._forbidden is not None and outcome is Outcome.SKIPPED:
            return f"{self._forbidden}; then {again}"
        return f"mend what failed, then {again}" if outcome is not Outcome.SKIPPED else again

    async def _step(self, step: Step, start: Callable[[], None]) -> None:
        begun = self._clock.monotonic()
        ending = Ending(Outcome.SKIPPED)
        if not self._stopping:
            await self._tell(StepStarted(self._run, self._clock.now(), step.id, step.host, step.title))
            ending = await self._recorded(step)
        if ending.outcome not in GOOD:
            self.stop()
        self._endings[step.id] = ending
        seconds, now = self._clock.monotonic() - begun, self._clock.now()
        await self._tell(StepDone(self._run, now, step.id, step.host, ending.outcome, seconds, ending.error))
        self._schedule.ended(step)
        start()

    async def _recorded(self, step: Step) -> Ending:
        """Carry the step out; a record that cannot be written fails it."""
        try:
            return await self._carry_out(step)
        except StoppedError as error:
            self._forbidden = str(error)
            await self._journal.refused(step.id, (str(error),))
            return Ending(Outcome.SKIPPED, str(error))
        except JournalError as error:
            self._unrecorded = str(error)
            return Ending(Outcome.FAILED, str(error))
        except asyncio.CancelledError:
            self._endings[step.id] = Ending(Outcome.UNKNOWN, "left to end on its host", performed=True)
            raise

    async def _carry_out(self, step: Step) -> Ending:
        before = self._so_far.get(step.id)
        picked_up = await self._picked_up(step, before) if before is not None and not before.heard else None
        if picked_up is not None:
            return picked_up
        if before is not None and before.state in WELL and not step.verification:
            await self._journal.already(step.id)
            return Ending(Outcome.ALREADY)
        while True:
            refused = await self._before(step)
            if refused is not None:
                return refused
            asked = self._clock.monotonic()
            if not await self._let_through(step):
                return Ending(Outcome.SKIPPED)
            if self._clock.monotonic() - asked < HOLDS_S:
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

    async def _let_through(self, step: Step) -> bool:
        """Pass the pause and every gate; False when the run was stopped while the step was held."""
        if self.pause.closed and not await self._held(step):
            return False
        for gate in self._gates:
            await gate.before(step)
        return True

    async def _held(self, step: Step) -> bool:
        """Wait to be let through; whether the run goes on then."""
        await self._tell(StepHeld(self._run, self._clock.now(), step.id, step.host))
        await self.pause.before(step)
        await self._tell(StepReleased(self._run, self._clock.now(), step.id, step.host))
        return not self._stopping

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
        await self._tell(StepOutput(self._run, self._clock.now(), step, text))

    async def _tell(self, event: Event) -> None:
        if self._listened:
            await self._room.acquire()
            self._events.put_nowait(self._harmless(event))

    def _harmless(self, event: Event) -> Event:
        """The event without the secrets that a host may have said."""
        if isinstance(event, StepOutput):
            return replace(event, text=self._redact(event.text))
        if isinstance(event, StepDone) and event.error:
            return replace(event, error=self._redact(event.error))
        return event


def _not_there(step: Step, verdict: Verdict) -> str:
    return f"done, but its effect is not there after {step.verify_within_s:g} s: {'; '.join(verdict.sentences)}"
