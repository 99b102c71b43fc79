"""Runs a plan, in parallel if steps allow it: each step is checked, logged, performed and verified."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from msgspec.structs import replace

from haconsole.actions.step import Plan, Step
from haconsole.execution.clock import Clock
from haconsole.execution.events import (
    Event,
    Outcome,
    RunDone,
    RunStarted,
    StepDone,
    StepPaused,
    StepResumed,
    StepStarted,
)
from haconsole.execution.log.resume import may_wait_for_others
from haconsole.execution.log.run_log import RunHeader, RunLog, RunLogError
from haconsole.execution.log.run_record import StepRecord, StepState
from haconsole.execution.perform import Performer, command_hosts
from haconsole.execution.steps.event_queue import EventQueue
from haconsole.execution.steps.gate import Gate, Pause, PausedTime, StoppedError
from haconsole.execution.steps.schedule import Schedule
from haconsole.execution.steps.step_runner import StepResult, StepRunner
from haconsole.execution.verify.checks import Checks
from haconsole.model.names import HostName, StepId

STEPS_A_HOST = 8
UNSURE_S = 5.0
"""The time limit for a running command that may itself wait for a step that has not started."""
WORST_FIRST = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.SKIPPED, Outcome.DONE, Outcome.ALREADY)
GOOD = (Outcome.DONE, Outcome.ALREADY)


class Executor:
    """Runs one plan once, or resumes it: `so_far` is then the run log's state of its steps.

    The run log is not trusted for anything that hosts can report: every step is checked on its hosts, and a command of
    an earlier process is awaited there. A step without a check is not done twice.

    Every step passes `pause`, then each of `gates` in their order, before it is logged and performed.
    """

    def __init__(
        self,
        plan: Plan,
        header: RunHeader,
        *,
        checks: Checks,
        performer: Performer,
        run_log: RunLog,
        clock: Clock,
        redact: Callable[[str], str],
        so_far: tuple[StepRecord, ...] | None = None,
        gates: tuple[Gate, ...] = (),
        pause: Pause | None = None,
    ) -> None:
        self._plan = plan
        self._heading = header
        self._run = header.run
        self._performer = performer
        self._run_log = run_log
        self._clock = clock
        self._so_far = {record.step: record for record in so_far or ()}
        self._carried_on = so_far is not None
        self._gates = gates
        self.pause = pause or Pause()
        self.pause.arrange(plan)
        self._event_queue = EventQueue(redact)
        self._work = StepRunner(
            header.run,
            checks=checks,
            performer=performer,
            run_log=run_log,
            clock=clock,
            events=self._event_queue,
            so_far=self._so_far,
            release=self._release,
        )
        self._schedule = Schedule(plan, STEPS_A_HOST)
        self._held_time = PausedTime(clock.monotonic)
        self._held_s: dict[StepId, float] = {}
        self._endings: dict[StepId, StepResult] = {}
        self._awaited: set[StepId] = set()
        self._stopping = False
        self._forbidden: str | None = None
        self._abandoned = False
        self._steps: asyncio.Task[None] | None = None
        self._unrecorded: str | None = None

    @property
    def ends_unheard(self) -> bool:
        """Whether something may still be running on a host without anyone waiting for it."""
        return any(self._ending_of(step.id).outcome is Outcome.UNKNOWN for step in self._plan.steps)

    def stop(self) -> None:
        """Start no further step; running steps finish, paused ones do not start."""
        self._stopping = True
        self.pause.open()

    def abandon(self) -> None:
        """Stop at once: running steps are left to their hosts, their results UNKNOWN."""
        self.stop()
        self._abandoned = True
        if self._steps is not None:
            self._steps.cancel()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Run the plan and yield its events; to be called once. Closing the iterator stops after the current steps."""
        work = asyncio.create_task(self._all())
        try:
            while (event := await self._event_queue.next()) is not None:
                yield event
        finally:
            self.stop()
            self._event_queue.detach(len(self._plan.steps) + 1)
            await work

    async def _all(self) -> None:
        start = self._clock.monotonic()
        plan = self._plan
        try:
            await self._event_queue.put(
                RunStarted(self._run, self._clock.now(), plan.action, plan.cluster, len(plan.steps))
            )
            await self._begin()
            await self._perform()
            await self._finish(start)
        finally:
            self._run_log.close()
            self._event_queue.end()

    async def _perform(self) -> None:
        """Every step to its end; steps cut off because the run was abandoned end here."""
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
        """Wait for commands of an earlier process: while one changes a host, no step can be judged there.

        A command that may itself wait for steps that have not started has a short limit.
        """
        open_still = (StepState.NOT_STARTED, StepState.FAILED)
        started_steps = frozenset(step for step, one in self._so_far.items() if one.state not in open_still)
        running = tuple(
            (step, one) for step in self._plan.steps if (one := self._so_far.get(step.id)) and not one.end_known
        )
        self._awaited = {step.id for step, _ in running}
        waits = (
            self._end_of(step, one, UNSURE_S if may_wait_for_others(self._plan, started_steps, step.id) else None)
            for step, one in running
        )
        await asyncio.gather(*waits)

    async def _end_of(self, step: Step, before: StepRecord, within_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._performer.pick_up(step, before.attempts, before.boot)
                self._awaited.discard(step.id)

    async def _begin(self) -> None:
        """Write the heading, or the resumption; if it cannot be written no step starts."""
        try:
            if self._carried_on:
                await self._run_log.log_resumption(self._heading.operator, self._heading.override)
            else:
                await self._run_log.log_run(self._heading, self._plan)
        except RunLogError as error:
            self._unrecorded = str(error)
            self.stop()

    async def _finish(self, start: float) -> None:
        endings = [self._ending_of(step.id) for step in self._plan.steps]
        count = Counter(ending.outcome for ending in endings)
        outcome = next((one for one in WORST_FIRST if count[one]), Outcome.ALREADY)
        if not count[Outcome.UNKNOWN]:
            await self._performer.clean_up(self._left_behind())
        end = RunDone(
            run=self._run,
            at=self._clock.now(),
            outcome=outcome,
            seconds=self._clock.monotonic() - start - self._held_time.seconds,
            changed=sum(ending.performed for ending in endings),
            already_right=count[Outcome.ALREADY],
            failed=count[Outcome.FAILED] + count[Outcome.UNKNOWN],
            next_step=self._next_step(outcome),
            checked=sum(ending.outcome is Outcome.DONE and not ending.performed for ending in endings),
            not_started=count[Outcome.SKIPPED],
            half_done=sum(ending.performed and ending.outcome not in GOOD for ending in endings),
        )
        if self._unrecorded is None:
            await self._log_end(end)
        if self._unrecorded is not None:
            end = replace(end, outcome=Outcome.FAILED, next_step=self._unrecorded)
        await self._event_queue.put(end)

    def _ending_of(self, step: StepId) -> StepResult:
        """UNKNOWN for a step that did not run here while an earlier process's command for it may still be running."""
        ending = self._endings.get(step, StepResult(Outcome.SKIPPED))
        if ending.outcome is Outcome.SKIPPED and step in self._awaited:
            return StepResult(Outcome.UNKNOWN, "the command was left running on the host")
        return ending

    def _left_behind(self) -> frozenset[HostName]:
        """Hosts where an earlier process of this run started something."""
        attempted = (step for step in self._plan.steps if (record := self._so_far.get(step.id)) and record.attempts)
        return frozenset(host for step in attempted for host in command_hosts(step))

    async def _log_end(self, end: RunDone) -> None:
        try:
            await self._run_log.log_end(end)
        except RunLogError as error:
            self._unrecorded = str(error)

    def _next_step(self, outcome: Outcome) -> str | None:
        if outcome in GOOD:
            return None
        resume_hint = f"resume with: haconsole resume {self._run}"
        if self._forbidden is not None and outcome is Outcome.SKIPPED:
            return f"{self._forbidden}; then {resume_hint}"
        return f"fix the failure, then {resume_hint}" if outcome is not Outcome.SKIPPED else resume_hint

    async def _step(self, step: Step, start: Callable[[], None]) -> None:
        start_s = self._clock.monotonic()
        self._held_time.begin()
        ending = StepResult(Outcome.SKIPPED)
        if not self._stopping:
            await self._event_queue.put(StepStarted(self._run, self._clock.now(), step.id, step.host, step.title))
            ending = await self._recorded(step)
        if ending.outcome not in GOOD:
            self.stop()
        self._endings[step.id] = ending
        self._held_time.end()
        seconds, now = self._clock.monotonic() - start_s - self._held_s.get(step.id, 0.0), self._clock.now()
        await self._event_queue.put(StepDone(self._run, now, step.id, step.host, ending.outcome, seconds, ending.error))
        self._schedule.ended(step)
        start()

    async def _recorded(self, step: Step) -> StepResult:
        """Perform the step; if it cannot be logged, it fails."""
        try:
            return await self._work.carry_out(step)
        except StoppedError as error:
            self._forbidden = str(error)
            await self._run_log.log_refusal(step.id, (str(error),))
            return StepResult(Outcome.SKIPPED, str(error))
        except RunLogError as error:
            self._unrecorded = str(error)
            return StepResult(Outcome.FAILED, str(error))
        except asyncio.CancelledError:
            self._endings[step.id] = StepResult(
                Outcome.UNKNOWN, "the command was left running on the host", performed=True
            )
            raise

    async def _release(self, step: Step) -> bool:
        """Pass the pause and every gate; False when the run was stopped while the step was paused.

        A step passes the pause once: after a long pause its checks are repeated, and it starts without a second pause.
        """
        if not self.pause.holds(step):
            await self.pause.before(step)
        elif not await self._pause_step(step):
            return False
        for gate in self._gates:
            await gate.before(step)
        return True

    async def _pause_step(self, step: Step) -> bool:
        """Wait for the release; returns whether the run continues then."""
        await self._event_queue.put(StepPaused(self._run, self._clock.now(), step.id, step.host))
        self._held_time.pause(step.id)
        await self.pause.before(step)
        self._held_s[step.id] = self._held_time.resume(step.id)
        await self._event_queue.put(StepResumed(self._run, self._clock.now(), step.id, step.host))
        return not self._stopping
