"""The executor that runs a plan on one cluster, with its lock, its log and its recorded commands."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import msgspec
from msgspec.structs import replace

from haconsole.actions.step import Plan
from haconsole.configs.layout import layout
from haconsole.execution.clock import Clock
from haconsole.execution.context import ExecutionContext
from haconsole.execution.host.host_state import HostStateReader
from haconsole.execution.locking.cluster_lock import ClusterLock
from haconsole.execution.locking.lock_host import LockPaths
from haconsole.execution.locking.lock_keeper import locked
from haconsole.execution.log.run_log import GuardrailOverride, Operator, RunHeader, RunLog, run_id
from haconsole.execution.log.run_record import RunRecord
from haconsole.execution.perform import Performer
from haconsole.execution.pki.ca_keys import OperatorKeys, keys_folder
from haconsole.execution.process import this_process
from haconsole.execution.steps.executor import Executor
from haconsole.execution.steps.gate import Pause
from haconsole.execution.verify.checks import Checks
from haconsole.execution.verify.cluster import ClusterChecks
from haconsole.inventory.effective import lock_hosts
from haconsole.inventory.parts import parts_of
from haconsole.inventory.schema import Inventory
from haconsole.model.command import HostCommand, Purpose
from haconsole.model.lock import LockClaim
from haconsole.model.secret import Secret
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.session.locks import Locks
from haconsole.session.provenance import RunProvenance
from haconsole.transport.answers import Answers
from haconsole.transport.base import Fleet
from haconsole.transport.recorded import CommandRecorder, RecordedFleet
from haconsole.transport.redact import redact, redact_certain

RUN_DIR = "/run/haconsole"
"""The folder of detached commands on hosts; it disappears with a reboot, as it must."""
LOCK_PATHS = LockPaths()


def cluster_lock(
    inventory: Inventory, fleet: Fleet, *, run: str = "", action: str = "", absent: tuple[str, ...] = ()
) -> ClusterLock:
    """The cluster's lock for a claim of this process, on the hosts that are not absent; without a run only to read."""
    operator = this_operator()
    token = secrets.token_hex(16)
    claim = LockClaim(token, f"{operator.user}@{operator.host}", operator.pid, run, action, this_process())
    hosts = tuple(name for name in lock_hosts(inventory) if name not in absent)
    return ClusterLock(inventory.cluster, fleet, hosts, claim, LOCK_PATHS)


def this_operator() -> Operator:
    return Operator(getpass.getuser(), socket.gethostname(), os.getpid())


class ExecutorFactory(msgspec.Struct, frozen=True):
    """The parts of a session that its runs share."""

    inventory: Inventory
    fleet: Fleet
    clock: Clock
    record: RunProvenance
    locks: Locks
    answers: Answers
    """Give the passphrase of CA keys that the operator keeps."""
    record_command: Callable[[HostCommand], None]

    @asynccontextmanager
    async def open(
        self,
        plan: Plan,
        pause: Pause,
        *,
        override: GuardrailOverride | None = None,
        earlier: RunRecord | None = None,
    ) -> AsyncIterator[Executor]:
        """An executor of `plan`, recorded under a new run, while it has the cluster's lock; its steps wait at `pause`.

        With an `earlier` run of this plan it resumes that one, in the same record. The lock of that run, or of the run
        that the plan undoes, is taken over once its console is gone. Raises LockedError or NoMajorityError before
        anything is recorded.
        """
        now = self.clock.now()
        run = earlier.header.run if earlier else run_id(plan.action, now, secrets.token_hex(2))
        commands = _RecordedCommands(self, run)
        lock = cluster_lock(
            self.inventory, commands.fleet(Purpose.LOCK), run=run, action=plan.action, absent=plan.absent_hosts
        )
        own = frozenset({earlier.header.run} if earlier else {plan.undoes} if plan.undoes else ())
        async with AsyncExitStack() as stack:
            if earlier is None:
                self.locks.check_unblocked(plan, own)
            keeper = await self.locks.take(lambda over: stack.enter_async_context(locked(lock, over)), own)
            commands.run_log = run_log = self._run_log(run, earlier)
            checking, performing = self._contexts(commands.fleet(Purpose.CHECK), commands.fleet(Purpose.STEP))
            for context in (performing, checking):
                stack.push_async_callback(context.host_state.close)
            record, parts = self.record, parts_of(self.inventory)
            executor = Executor(
                plan,
                RunHeader(run, now, this_operator(), record.source, record.digest, parts, override),
                checks=Checks(checking, plan, ClusterChecks(checking.cluster)),
                performer=Performer(performing, plan, run),
                run_log=run_log,
                clock=self.clock,
                redact=self.hide,
                so_far=earlier.steps if earlier else None,
                gates=(keeper,),
                pause=pause,
            )
            try:
                yield executor
            finally:
                if executor.ends_unheard:
                    keeper.leave_standing()
                    self.locks.unreleased.add(lock.claim.token)

    def _run_log(self, run: str, earlier: RunRecord | None) -> RunLog:
        path = earlier.path if earlier else self.record.folder / f"{run}.jsonl"
        return RunLog(path, self.clock, self.hide, partial(redact_certain, secrets=self._secrets))

    def _contexts(self, *fleets: Fleet) -> tuple[ExecutionContext, ...]:
        """A context for each fleet; they share credentials and the operator's keys."""
        folder = keys_folder(self.inventory.pki.ca_keys, self.record.source, self.inventory.cluster)
        keys = OperatorKeys(folder, self.answers, os.environ)
        places, secret = layout(self.inventory), secrets.token_bytes(16)
        cluster = ClusterContext(self.inventory, places, self.fleet, self.clock.now, secret, ProbeTimings())
        return tuple(
            ExecutionContext(replace(cluster, fleet=fleet), HostStateReader(fleet), self.clock, RUN_DIR, keys)
            for fleet in fleets
        )

    @property
    def _secrets(self) -> tuple[Secret, ...]:
        return tuple(vip.auth_pass for vip in self.inventory.vips if vip.auth_pass is not None)

    def hide(self, text: str) -> str:
        """The text without secrets."""
        return redact(text, secrets=self._secrets)


class _RecordedCommands:
    """Makes fleets that record their commands, those of steps in the run log too."""

    def __init__(self, factory: ExecutorFactory, run: str) -> None:
        self._factory = factory
        self._run = run
        self.run_log: RunLog | None = None

    def fleet(self, purpose: Purpose) -> RecordedFleet:
        of = self._factory
        record = partial(self._record, purpose)
        return RecordedFleet(of.fleet, CommandRecorder(record, of.clock.now, of.hide, purpose, self._run))

    def _record(self, purpose: Purpose, command: HostCommand) -> None:
        self._factory.record_command(command)
        if purpose is Purpose.STEP and self.run_log is not None:
            self.run_log.keep_command(command)
