"""Makes the executor that runs a plan on one cluster."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

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


@asynccontextmanager
async def performing(
    plan: Plan,
    inventory: Inventory,
    fleet: Fleet,
    clock: Clock,
    record: RunProvenance,
    locks: Locks,
    pause: Pause,
    *,
    answers: Answers,
    record_command: Callable[[HostCommand], None],
    override: GuardrailOverride | None = None,
    earlier: RunRecord | None = None,
) -> AsyncIterator[Executor]:
    """An executor of `plan`, recorded under a new run, while it has the cluster's lock; its steps wait at `pause`.

    With an `earlier` run of this plan it resumes that one, in the same record. The lock of that run, or of the run that
    the plan undoes, is taken over once its console is gone. `answers` gives the passphrase of CA keys that the operator
    keeps. Raises LockedError or NoMajorityError before anything is recorded.
    """
    folder = keys_folder(inventory.pki.ca_keys, record.source, inventory.cluster)
    keys = OperatorKeys(folder, answers, os.environ)
    known = tuple(vip.auth_pass for vip in inventory.vips if vip.auth_pass is not None)
    hide = partial(redact, secrets=known)
    now = clock.now()
    run = earlier.header.run if earlier else run_id(plan.action, now, secrets.token_hex(2))
    path = earlier.path if earlier else record.folder / f"{run}.jsonl"
    run_log: RunLog | None = None

    cluster = ClusterContext(inventory, layout(inventory), fleet, clock.now, secrets.token_bytes(16), ProbeTimings())

    def context_of(purpose: Purpose) -> ExecutionContext:
        def record_it(command: HostCommand) -> None:
            record_command(command)
            if purpose is Purpose.STEP and run_log is not None:
                run_log.keep_command(command)

        recorded = RecordedFleet(fleet, CommandRecorder(record_it, clock.now, hide, purpose, run))
        return ExecutionContext(replace(cluster, fleet=recorded), HostStateReader(recorded), clock, RUN_DIR, keys)

    checking, performing_steps = context_of(Purpose.CHECK), context_of(Purpose.STEP)
    locking = RecordedFleet(fleet, CommandRecorder(record_command, clock.now, hide, Purpose.LOCK, run))
    lock = cluster_lock(inventory, locking, run=run, action=plan.action, absent=plan.absent_hosts)
    own = frozenset({earlier.header.run} if earlier else {plan.undoes} if plan.undoes else ())
    async with AsyncExitStack() as stack:
        if earlier is None:
            locks.check_unblocked(plan, own)
        keeper = await locks.take(lambda over: stack.enter_async_context(locked(lock, over)), own)
        executor: Executor | None = None
        try:
            run_log = RunLog(path, clock, hide, partial(redact_certain, secrets=known))
            executor = Executor(
                plan,
                RunHeader(run, now, this_operator(), record.source, record.digest, parts_of(inventory), override),
                checks=Checks(checking, plan, ClusterChecks(checking.cluster)),
                performer=Performer(performing_steps, plan, run),
                run_log=run_log,
                clock=clock,
                redact=hide,
                so_far=earlier.steps if earlier else None,
                gates=(keeper,),
                pause=pause,
            )
            yield executor
        finally:
            if executor is not None and executor.ends_unheard:
                keeper.leave_standing()
                locks.unreleased.add(lock.claim.token)
            await checking.host_state.close()
            await performing_steps.host_state.close()
