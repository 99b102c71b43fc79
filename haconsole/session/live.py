"""The session of a live cluster: inventory, SSH, collector and executor wired together.

Code that plans and runs is imported when it is used: reading a cluster needs none of it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from haconsole.actions.guardrails import GuardrailStop, guardrail_stops, undone_action
from haconsole.errors import HaconsoleError, RefusedError
from haconsole.execution.clock import SystemClock
from haconsole.inventory.effective import is_read_only, why_watched_only
from haconsole.inventory.schema import Inventory
from haconsole.model.command import HostCommand, Purpose
from haconsole.probes.collect import Collector
from haconsole.session import GuardrailError, Run, RunState
from haconsole.session.commands import CommandLog
from haconsole.session.locks import Locks
from haconsole.session.observing import LiveObserver
from haconsole.session.planning import LivePlanner
from haconsole.session.provenance import RunProvenance
from haconsole.session.redacting import redactor
from haconsole.transport.answers import Answers, NoAnswers
from haconsole.transport.base import Fleet
from haconsole.transport.recorded import CommandRecorder, RecordedFleet

if TYPE_CHECKING:
    from haconsole.actions.step import Plan, Refusal
    from haconsole.execution.log.run_record import RunRecord, UnreadableRun

LOOK_AGAIN_S = 2.0


class LiveSession:
    """Session of the cluster that `inventory` describes, over `fleet`, which it closes.

    `source` names the inventory's file and `digest` its SHA-256, for run logs in the folder `runs` (None: the
    operator's own). `answers` prompts the person during a run.
    """

    def __init__(
        self,
        inventory: Inventory,
        fleet: Fleet,
        *,
        source: str,
        digest: str,
        runs: Path | None = None,
        read_only: bool = False,
        answers: Answers | None = None,
    ) -> None:
        self.player = None
        self._answers = answers or NoAnswers()
        self.inventory = inventory
        self._fleet = fleet
        self._record = RunProvenance(source, digest, runs)
        self.read_only = read_only or is_read_only(inventory)
        self._clock = SystemClock()
        self._run: Run | None = None
        self._locks = Locks(self._answers)
        self._commands = CommandLog()
        probes = RecordedFleet(fleet, self._recorder(Purpose.PROBE))
        collector = Collector(inventory, probes)
        self.observer = LiveObserver(inventory, RecordedFleet(fleet, self._recorder(Purpose.JOURNAL)), collector)
        self.planner = LivePlanner(inventory, probes, collector, self._locks)
        self.history = LiveRunHistory(inventory.cluster, self._record, self.planner)

    @property
    def commands(self) -> tuple[HostCommand, ...]:
        """The commands that this session ran on hosts, newest first."""
        return self._commands.commands

    def _recorder(self, purpose: Purpose) -> CommandRecorder:
        return CommandRecorder(self._commands.record, self._clock.now, redactor(self.inventory), purpose)

    def check_startable(self) -> None:
        """Raise RefusedError in a read-only session, HaconsoleError while a run is running."""
        if reason := why_watched_only(self.inventory):
            raise RefusedError(reason)
        if self.read_only:
            raise RefusedError(
                "this session is read-only", hint="start without --read-only, or remove read_only from the inventory"
            )
        if self._run is not None and self._run.state is not RunState.ENDED:
            raise HaconsoleError("another run is running in this session", hint="wait for its end")

    async def wait_for_lock(self, within_s: float) -> None:
        """Wait until a run could take the cluster's lock.

        Raises LockedError when another console still has it after that time, or left it and is not taken over from.
        """
        from haconsole.execution.locking.cluster_lock import LockedError
        from haconsole.session.executor_factory import cluster_lock

        lock = cluster_lock(self.inventory, RecordedFleet(self._fleet, self._recorder(Purpose.LOCK)))
        until = self._clock.monotonic() + within_s
        while True:
            try:
                return await self._locks.take(lock.see_free)
            except LockedError as locked:
                if locked.can_take_over or self._clock.monotonic() >= until:
                    raise
            await self._clock.sleep(min(LOOK_AGAIN_S, max(0.1, until - self._clock.monotonic())))

    def guardrail_stops(self, plan: Plan) -> tuple[GuardrailStop, ...]:
        """The guardrails of the inventory that stop a run of the plan now."""
        now, running = self._clock.now(), self.history.running()
        undoes = undone_action(plan.undoes)
        return guardrail_stops(self.inventory, plan.action, now, running, undoes=undoes)

    def start(self, plan: Plan, *, step_by_step: bool = False, override: str = "") -> Run:
        """A run of the plan, one at a time; refused in a read-only session, and by guardrails without `override`."""
        self.check_startable()
        return self._start(plan, None, step_by_step, override)

    async def check_resumable(self, run: str) -> RunRecord:
        """The record of a run that can be resumed; raises RefusedError with the reasons against it."""
        from haconsole.execution.log.resume import why_not_resume
        from haconsole.inventory.parts import parts_of

        self.check_startable()
        record, runs = await self.history.record(run), await self.history.runs()
        reasons = why_not_resume(record, runs, self.inventory.cluster, parts_of(self.inventory))
        if reasons:
            raise RefusedError("; ".join(reasons))
        return record

    async def resume(self, run: str, *, step_by_step: bool = False, override: str = "") -> Run:
        """Resume a run by the state of its hosts; its own lock may be taken over once its console is gone."""
        record = await self.check_resumable(run)
        return self._start(record.plan, record, step_by_step, override)

    def _start(self, plan: Plan, earlier: RunRecord | None, step_by_step: bool, override: str) -> Run:
        from haconsole.execution.log.run_log import GuardrailOverride
        from haconsole.session.executor_factory import ExecutorFactory
        from haconsole.session.run import LiveRun

        stops = self.guardrail_stops(plan)
        if stops and not override.strip():
            raise GuardrailError(stops)
        overridden = GuardrailOverride(override.strip(), tuple(stop.rule for stop in stops)) if stops else None
        shared = (self.inventory, self._fleet, self._clock, self._record, self._locks, self._answers)
        factory = ExecutorFactory(*shared, self._commands.record)
        begin = partial(factory.open, plan, override=overridden, earlier=earlier)
        self._run = LiveRun(plan, begin, step_by_step=step_by_step)
        return self._run

    async def close(self) -> None:
        """End every connection."""
        await self._fleet.close()

    async def __aenter__(self) -> LiveSession:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class LiveRunHistory:
    """Runs of `cluster` in the folder of `record`; an undo by another action is planned by `planner`."""

    def __init__(self, cluster: str, record: RunProvenance, planner: LivePlanner) -> None:
        self._cluster = cluster
        self._record = record
        self._planner = planner

    async def runs(self) -> tuple[RunRecord | UnreadableRun, ...]:
        """This cluster's runs as recorded here, newest first, and records that cannot be read."""
        from haconsole.execution.log.run_record import UnreadableRun, read_runs

        every = await asyncio.to_thread(read_runs, self._record.folder)
        return tuple(one for one in every if isinstance(one, UnreadableRun) or one.plan.cluster == self._cluster)

    def running(self) -> int:
        """The number of runs in the folder, of any cluster, that a process writes now."""
        from haconsole.execution.log.run_log import under_way
        from haconsole.execution.log.run_record import run_paths

        return sum(under_way(path) for path in run_paths(self._record.folder))

    async def record(self, run: str) -> RunRecord:
        """The record of a run."""
        from haconsole.execution.log.run_record import find_run, read_run

        return await asyncio.to_thread(lambda: read_run(find_run(self._record.folder, run)))

    async def plan_undo(self, run: str) -> Plan | Refusal:
        """The undo of the run's recorded steps, newest first, or the action that undoes the complete run."""
        from haconsole.execution.log.undo import plan_undo, why_not_undo
        from haconsole.session.executor_factory import RUN_DIR

        record, runs = await self.record(run), await self.runs()
        call = record.plan.undone_by
        if call is None or why_not_undo(record, runs):
            return plan_undo(record, runs, RUN_DIR)
        return await self._planner.plan(call.action, call.request, undoes=record.header.run)
