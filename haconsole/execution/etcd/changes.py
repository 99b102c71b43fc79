"""Performs changes of etcd's member list. Each reads the list first, so that a retry after a lost answer is safe.

Temporary refusals are retried: a peer URL added within a second of its removal (NOT_FOUND, as the ID is made of URL and
second), "unhealthy cluster" for some seconds after a start, elections, and a learner that has not caught up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeAlias, assert_never

from haconsole.actions.operations import (
    AddMember,
    EtcdOperation,
    MoveLeader,
    PromoteMember,
    RemoveMember,
    RemoveMemberAt,
    UpdateMember,
)
from haconsole.errors import HaconsoleError
from haconsole.execution.clock import Clock
from haconsole.execution.etcd.client_pause import vips_paused
from haconsole.execution.etcd.member_list import any_member, at_url, host_of, leader_among, statuses
from haconsole.execution.outcome import OperationResult, failure, success, unknown_end
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext
from haconsole.probes.errors import ProbeError
from haconsole.probes.etcd.access import etcd_on
from haconsole.transport.base import TransportError
from haconsole.transport.etcd_answers import EtcdStatus
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind

Pauses: TypeAlias = list[AbstractAsyncContextManager[None]]
Tell: TypeAlias = Callable[[str], Awaitable[None]]
Try: TypeAlias = Callable[[], Awaitable[OperationResult | str]]
"""One try: its result, or the condition that is still awaited."""

PASSING = (
    EtcdErrorKind.NOT_FOUND,
    EtcdErrorKind.EXISTS,
    EtcdErrorKind.UNHEALTHY_CLUSTER,
    EtcdErrorKind.NO_LEADER,
    EtcdErrorKind.NOT_LEADER,
    EtcdErrorKind.LEARNER_NOT_READY,
    EtcdErrorKind.DEADLINE,
    EtcdErrorKind.UNAVAILABLE,
    EtcdErrorKind.REFUSED,
    EtcdErrorKind.IS_LEARNER,
)
UNHEARD = (EtcdErrorKind.DEADLINE, EtcdErrorKind.UNAVAILABLE)
CHANGE_S = 45.0
PAUSE_S = 0.4


class EtcdChanges:
    """Changes etcd over the same connections as the probes."""

    def __init__(self, context: ClusterContext, clock: Clock) -> None:
        self._context = context
        self._clock = clock

    async def perform(self, operation: EtcdOperation, host: HostName, tell: Tell) -> OperationResult:
        """Perform the change; `tell` receives the condition that is awaited."""
        match operation:
            case AddMember():
                return await self._until(lambda: self._add(operation), CHANGE_S, tell)
            case PromoteMember(within_s=within_s):
                return await self._until(lambda: self._promote(operation, host), within_s, tell)
            case RemoveMember():
                return await self._until(lambda: self._remove(operation), CHANGE_S, tell)
            case RemoveMemberAt():
                return await self._until(lambda: self._remove_at(operation), CHANGE_S, tell)
            case UpdateMember():
                return await self._until(lambda: self._update(operation), CHANGE_S, tell)
            case MoveLeader():
                # once, however many retries: VIPs that pause again and again would be unreachable
                pauses: Pauses = [vips_paused(self._context)]
                return await self._until(lambda: self._move(operation, pauses), CHANGE_S, tell)
            case _:
                assert_never(operation)

    async def _until(self, attempt: Try, within_s: float, tell: Tell) -> OperationResult:
        """Try until it succeeds or fails, or `within_s` is over."""
        until = self._clock.monotonic() + within_s
        reason = ""
        while True:
            waiting, state = await self._once(attempt)
            if isinstance(waiting, OperationResult):
                return waiting
            if self._clock.monotonic() >= until:
                why = f"{waiting} (tried for {within_s:g} s)"
                return failure(why) if state else unknown_end(why)
            if waiting != reason:
                reason = waiting
                await tell(waiting)
            await self._clock.sleep(PAUSE_S)

    async def _once(self, attempt: Try) -> tuple[OperationResult | str, bool]:
        """The result of a try or the awaited condition, and whether etcd's answer arrived."""
        try:
            return await attempt(), True
        except EtcdError as error:
            if error.kind not in PASSING:
                return failure(str(error)), True
            return str(error), error.kind not in UNHEARD
        except ProbeError as error:
            return failure(str(error)), True
        except TransportError as error:
            return str(error), True

    async def _add(self, operation: AddMember) -> OperationResult | str:
        async with any_member(self._context, operation.ask) as api:
            there = at_url(await api.members(), operation.peer_url)
            if there is not None:
                return success(f"member {there.id} at {operation.peer_url} is on etcd's member list")
            added = await api.membership.add((operation.peer_url,))
            kind = "learner" if added.learner else "voter: this version of etcd does not support learners"
            return success(f"added member {added.id} at {operation.peer_url} as {kind}")

    async def _promote(self, operation: PromoteMember, host: HostName) -> OperationResult | str:
        others = tuple(name for name in operation.ask if name != host)
        async with any_member(self._context, others) as api:
            there = at_url(await api.members(), operation.peer_url)
            if there is None:
                return failure(
                    f"{host}: the member at {operation.peer_url} was removed from etcd's member list; run join again"
                )
            if not there.learner:
                return success(f"member {there.id} votes")
            progress = await self._progress(await api.status(), host)
            try:
                await api.membership.promote(there.id)
            except EtcdError as error:
                if error.kind is EtcdErrorKind.LEARNER_NOT_READY:
                    return progress
                raise
            return success(f"{progress}; member {there.id} votes now")

    async def _progress(self, ahead: EtcdStatus, host: HostName) -> str:
        """The learner's progress, by raft index."""
        own = (await statuses(self._context, (host,)))[host]
        if isinstance(own, HaconsoleError):
            return f"the learner on {host} does not answer: {own}"
        share = min(1.0, own.raft_index / ahead.raft_index) if ahead.raft_index else 1.0
        return f"the learner on {host} is at index {own.raft_index} of {ahead.raft_index} ({share:.0%})"

    async def _remove(self, operation: RemoveMember) -> OperationResult | str:
        async with any_member(self._context, operation.ask) as api:
            if all(one.id != operation.member for one in await api.members()):
                return success(f"member {operation.member} is not on etcd's member list")
            members = await api.membership.remove(operation.member)
            return success(
                f"removed member {operation.member}; remaining: {', '.join(one.name or one.id for one in members)}"
            )

    async def _remove_at(self, operation: RemoveMemberAt) -> OperationResult | str:
        async with any_member(self._context, operation.ask) as api:
            there = at_url(await api.members(), operation.peer_url)
            if there is None:
                return success(f"etcd lists no member at {operation.peer_url}")
            await api.membership.remove(there.id)
            return success(f"removed member {there.id} at {operation.peer_url}")

    async def _update(self, operation: UpdateMember) -> OperationResult | str:
        async with any_member(self._context, operation.ask) as api:
            there = next((one for one in await api.members() if one.id == operation.member), None)
            if there is None:
                return failure(f"member {operation.member} is not on etcd's list: run join for its host")
            if there.peer_urls != (operation.peer_url,):
                await api.membership.update(operation.member, (operation.peer_url,))
            return success(f"member {operation.member} is listed at {operation.peer_url}")

    async def _move(self, operation: MoveLeader, pauses: Pauses) -> OperationResult | str:
        """Hand it over while the VIPs pause, as long as a pause is left."""
        status_by_host = await statuses(self._context, tuple(dict.fromkeys((*operation.ask, *operation.to))))
        leader = leader_among(status_by_host)
        if leader in operation.to:
            return success(f"{leader} leads")
        target = furthest(operation.to, status_by_host)
        if target is None:
            return f"none of {', '.join(operation.to)} can become etcd's leader now"
        if leader is None:
            return f"none of {', '.join(status_by_host)} leads now"
        async with (
            etcd_on(self._context, host_of(self._context, leader)) as api,
            pauses.pop() if pauses else nullcontext(),
        ):
            await api.membership.move_leader(target[1].member_id)
        return success(f"leadership moved from {leader} to {target[0]}")


def furthest(
    hosts: tuple[HostName, ...], status_by_host: dict[HostName, EtcdStatus | HaconsoleError]
) -> tuple[HostName, EtcdStatus] | None:
    """The voter furthest in the log: requests are dropped while leadership moves, so the move must be fast."""
    answers = ((host, status_by_host[host]) for host in hosts)
    able = [(host, one) for host, one in answers if isinstance(one, EtcdStatus) and not one.learner and one.leader_id]
    return max(able, key=lambda one: one[1].raft_applied_index, default=None)
