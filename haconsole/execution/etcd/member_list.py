"""etcd's member list and leader, read through any member that can answer."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias, assert_never

from haconsole.actions.checks import EtcdCheck, LeaderAmong, MemberGone, MemberIs, MemberStage, NoMemberAt
from haconsole.errors import HaconsoleError
from haconsole.execution.first_usable import first_usable
from haconsole.inventory.schema import Host
from haconsole.model.etcd import EtcdMember
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext
from haconsole.probes.errors import ProbeError
from haconsole.probes.etcd.access import etcd_on
from haconsole.transport.base import TransportError
from haconsole.transport.etcd_answers import EtcdStatus
from haconsole.transport.etcd_api import EtcdApi

Problems: TypeAlias = tuple[str, ...]
READ_S = 3.0


def any_member(context: ClusterContext, ask: tuple[HostName, ...]) -> AbstractAsyncContextManager[EtcdApi]:
    """The etcd of the first of `ask` that reads with a quorum; raises the last TransportError or ProbeError if none."""

    async def reads(api: EtcdApi) -> bool:
        await api.check_health(deadline_s=READ_S)
        return True

    none = HaconsoleError("there is no etcd member to query", hint="fix the planner")
    return first_usable((etcd_on(context, host_of(context, name)) for name in ask), reads, none)


async def member_list(context: ClusterContext, ask: tuple[HostName, ...]) -> tuple[EtcdMember, ...]:
    """The list from one of `ask` that has a quorum."""
    async with any_member(context, ask) as api:
        return await api.members()


async def statuses(context: ClusterContext, hosts: tuple[HostName, ...]) -> dict[HostName, EtcdStatus | HaconsoleError]:
    """The report of the member on each host about itself, or the reason for its failure; queried in parallel."""

    async def ask(name: HostName) -> EtcdStatus | HaconsoleError:
        try:
            async with etcd_on(context, host_of(context, name)) as api:
                return await api.status()
        except (TransportError, ProbeError) as error:
            return error

    return dict(zip(hosts, await asyncio.gather(*(ask(name) for name in hosts)), strict=True))


def leader_among(status_by_host: dict[HostName, EtcdStatus | HaconsoleError]) -> HostName | None:
    """The host whose member reports that it leads."""
    for host, status in status_by_host.items():
        if isinstance(status, EtcdStatus) and status.leader_id == status.member_id:
            return host
    return None


async def etcd_list_problems(context: ClusterContext, check: EtcdCheck) -> Problems:
    """The reason why the check fails; raises TransportError or ProbeError when no member can answer."""
    match check:
        case MemberIs(ask=ask):
            return stage_problems(check, await member_list(context, ask))
        case MemberGone(member=member, ask=ask):
            there = any(one.id == member for one in await member_list(context, ask))
            return (f"etcd still lists member {member}",) if there else ()
        case NoMemberAt(peer_url=url, ask=ask):
            there = at_url(await member_list(context, ask), url) is not None
            return (f"etcd lists a member at {url}",) if there else ()
        case LeaderAmong(hosts=hosts):
            return _leader_problems(hosts, await statuses(context, hosts))
        case _:
            assert_never(check)


def stage_problems(check: MemberIs, members: tuple[EtcdMember, ...]) -> Problems:
    """The reason why the member at the check's URL has not reached the stage."""
    member = at_url(members, check.peer_url)
    if member is None:
        return (f"etcd lists no member at {check.peer_url}",)
    if check.stage != MemberStage.LISTED and not member.started:
        return (f"etcd's member at {check.peer_url} has not started",)
    if check.stage == MemberStage.VOTING and member.learner:
        return (f"etcd's member at {check.peer_url} is a learner and does not vote yet",)
    return ()


def at_url(members: tuple[EtcdMember, ...], peer_url: str) -> EtcdMember | None:
    return next((member for member in members if peer_url in member.peer_urls), None)


def host_of(context: ClusterContext, name: HostName) -> Host:
    host = context.inventory.find(name)
    if host is None:
        raise HaconsoleError(f"the inventory has no host {name}", hint="plan the action again")
    return host


def _leader_problems(
    hosts: tuple[HostName, ...], status_by_host: dict[HostName, EtcdStatus | HaconsoleError]
) -> Problems:
    if leader_among(status_by_host) is not None:
        return ()
    silent = tuple(str(status) for status in status_by_host.values() if isinstance(status, HaconsoleError))
    return (f"etcd's leader is not on {' or '.join(hosts)}", *silent)
