"""Performs a step's operation: maps each kind of operation to its performer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import nullcontext
from typing import assert_never

from haconsole.actions.operations import (
    AddMember,
    CompactHistory,
    CopyFromHost,
    Defragment,
    DeleteNode,
    DisarmAlarm,
    DrainNode,
    EnsureAuthority,
    EnsureKeyPair,
    FetchFile,
    ForgetControlPlane,
    IssueCertificate,
    JoinNode,
    MoveLeader,
    NodeOperation,
    Nothing,
    Operation,
    PromoteMember,
    RemoveMember,
    RemoveMemberAt,
    RunCommand,
    SaveSnapshot,
    SendFile,
    SendFolder,
    SetServerState,
    TrustAuthority,
    UpdateMember,
    WriteFile,
)
from haconsole.actions.step import Plan, Step
from haconsole.errors import HaconsoleError
from haconsole.execution.context import ExecutionContext
from haconsole.execution.etcd.changes import EtcdChanges, Tell
from haconsole.execution.etcd.client_pause import vips_paused
from haconsole.execution.etcd.storage import tend_etcd
from haconsole.execution.events import Outcome, RunId
from haconsole.execution.host.command import pick_up_command, run_command
from haconsole.execution.host.detached import DetachedCommands
from haconsole.execution.host.files import aside_end, put_file
from haconsole.execution.host.transfer import transfer
from haconsole.execution.nodes.changes import change_node
from haconsole.execution.nodes.join import NodeJoins
from haconsole.execution.outcome import OperationResult, failure, success, unknown_end
from haconsole.execution.pki.authorities import Authorities
from haconsole.execution.pki.certificate import issue_certificate
from haconsole.execution.secrets import fill_in
from haconsole.execution.verify.haproxy_state import set_server_state
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError

PASSING = (Cause.CONNECTION_LOST, Cause.TIMED_OUT, Cause.REFUSED, Cause.NO_ROUTE)
"""Causes that may be temporary: an operation that is safe to repeat is retried."""
PAUSES_S = (0.5, 2.0, 5.0)
DETACHED = RunCommand | JoinNode
"""Operations whose command outlives the connection, and is found again by a later process."""


def command_hosts(step: Step) -> frozenset[HostName]:
    """The hosts where a step may leave the folder of a command: a join uploads certificates on another one."""
    operation = step.operation
    others = operation.ask if isinstance(operation, JoinNode) and operation.upload else ()
    return frozenset((step.host, *others))


async def in_silence(_: str) -> None:
    """Discards progress messages."""


class Performer:
    """Performs the steps of one run."""

    def __init__(self, context: ExecutionContext, plan: Plan, run: RunId) -> None:
        self._context = context
        self._cluster = context.cluster
        self._run = run
        self._undoes = RunId(plan.undoes) if plan.undoes else None
        self._authorities = Authorities(context, plan)
        self._commands: dict[HostName, DetachedCommands] = {}
        self._etcd = EtcdChanges(self._cluster, context.clock)
        self._joins = NodeJoins(context, self._commands_of)

    async def boot_of(self, step: Step) -> str | None:
        """The boot ID of the step's host, where the step runs detached there; raises TransportError."""
        return await self._commands_of(step.host).begin() if isinstance(step.operation, DETACHED) else None

    async def pick_up(self, step: Step, attempt: int, boot: str | None) -> OperationResult | None:
        """The result of an attempt of an earlier process; None if it left nothing to wait for."""
        if not isinstance(step.operation, DETACHED) or boot is None:
            return None
        try:
            if isinstance(step.operation, JoinNode):
                return await self._joins.pick_up(step, step.operation, attempt, boot)
            return await pick_up_command(self._commands_of(step.host), step, step.operation, attempt, boot)
        except TransportError as error:
            return unknown_end(str(error))

    async def perform(self, step: Step, attempt: int, tell: Tell = in_silence) -> OperationResult:
        """Perform the operation; a lost connection is UNKNOWN unless a retry resolves it.

        `tell` receives progress meanwhile.
        """
        for pause in PAUSES_S:
            performed = await self._try(step, attempt, tell)
            if performed.outcome is not Outcome.UNKNOWN or isinstance(step.operation, DETACHED):
                return performed
            await self._context.clock.sleep(pause)
        return await self._try(step, attempt, tell)

    async def clean_up(self, earlier: frozenset[HostName] = frozenset()) -> tuple[str, ...]:
        """Remove what the run left under the hosts' run folders; returns the failures as text.

        `earlier` are the hosts where an earlier process of this run may have left something.
        """
        ends = (self._commands_of(host).end(earlier=host in earlier) for host in {*self._commands, *earlier})
        results = await asyncio.gather(*ends, *self._ends_of_undone(), return_exceptions=True)
        return tuple(str(error) for error in results if isinstance(error, TransportError))

    def _ends_of_undone(self) -> tuple[Awaitable[None], ...]:
        """Leftovers of the run that this one undid are removed too."""
        context, undone = self._context, self._undoes
        if undone is None:
            return ()
        folders = (
            DetachedCommands(context.cluster.fleet.host(host), context.clock, context.run_dir, undone)
            for host in self._commands
        )
        return tuple(folder.end(earlier=True) for folder in folders)

    async def _try(self, step: Step, attempt: int, tell: Tell) -> OperationResult:
        try:
            return await self._operation(step, step.operation, attempt, tell)
        except TransportError as error:
            return unknown_end(str(error)) if error.cause in PASSING else failure(str(error))
        except HaconsoleError as error:
            return failure(str(error))

    async def _operation(self, step: Step, operation: Operation, attempt: int, tell: Tell) -> OperationResult:
        end = aside_end(self._run, step.id)
        match operation:
            case RunCommand():
                async with vips_paused(self._cluster) if operation.vips_pause else nullcontext():
                    return await run_command(self._commands_of(step.host), step, operation, attempt, end)
            case WriteFile():
                return await self._write(step, operation, end)
            case EnsureAuthority() | TrustAuthority() | EnsureKeyPair():
                return await self._shared(operation, step.host, end)
            case IssueCertificate():
                return await issue_certificate(self._context, self._authorities, step, operation, end)
            case AddMember() | PromoteMember() | RemoveMember() | RemoveMemberAt() | UpdateMember() | MoveLeader():
                return await self._etcd.perform(operation, step.host, tell)
            case Defragment() | CompactHistory() | DisarmAlarm() | SaveSnapshot():
                return await tend_etcd(self._cluster, operation, step.host, tell)
            case FetchFile() | SendFile() | SendFolder() | CopyFromHost():
                return await transfer(self._cluster.fleet, step.host, operation, tell)
            case SetServerState() | DrainNode() | DeleteNode() | ForgetControlPlane() | JoinNode():
                return await self._through_api(step, operation, attempt, tell)
            case Nothing():
                return success()
            case _:
                assert_never(operation)

    async def _through_api(
        self, step: Step, operation: SetServerState | NodeOperation, attempt: int, tell: Tell
    ) -> OperationResult:
        """A change through the API of Kubernetes or of haproxy."""
        if isinstance(operation, SetServerState):
            haproxy = self._cluster.layout.haproxy
            return await set_server_state(self._cluster.fleet, haproxy, operation, self._context.clock)
        if isinstance(operation, JoinNode):
            return await self._joins.perform(step, operation, attempt, aside_end(self._run, step.id), tell)
        return await change_node(self._cluster, operation, self._context.clock, tell)

    async def _shared(
        self, operation: EnsureAuthority | TrustAuthority | EnsureKeyPair, host: HostName, end: str
    ) -> OperationResult:
        match operation:
            case EnsureAuthority():
                return await self._authorities.ensure(operation)
            case TrustAuthority():
                return await self._authorities.trust(operation, host, end)
            case EnsureKeyPair():
                return await self._authorities.ensure_pair(operation)
            case _:
                assert_never(operation)

    async def _write(self, step: Step, operation: WriteFile, end: str) -> OperationResult:
        data = fill_in(operation.content, self._cluster.inventory).encode()
        mode, owner = operation.mode, operation.owner
        return success(await put_file(self._context, step.host, operation.path, data, mode=mode, owner=owner, end=end))

    def _commands_of(self, host: HostName) -> DetachedCommands:
        if host not in self._commands:
            context = self._context
            self._commands[host] = DetachedCommands(
                context.cluster.fleet.host(host), context.clock, context.run_dir, self._run
            )
        return self._commands[host]
