"""Evaluates checks about the cluster: etcd, nodes, balancers and VIPs, rather than one host's files and units."""

from __future__ import annotations

import asyncio
from typing import Protocol, TypeAlias, assert_never

from haconsole.actions.checks import (
    ApiHas,
    ApiserverReady,
    BackendsUp,
    EtcdCheck,
    EtcdHealthy,
    EtcdStoreCheck,
    HasRoom,
    LeaderAmong,
    LeaseHeld,
    MemberGone,
    MemberIs,
    NoAlarm,
    NodeIs,
    NodeRenewed,
    NoMemberAt,
    ServerIs,
    VipAnswers,
    VipOwned,
)
from haconsole.execution.etcd.member_list import etcd_list_problems, host_of
from haconsole.execution.etcd.storage import store_problems
from haconsole.execution.nodes.api import object_problems
from haconsole.execution.verify.api_state import api_problems
from haconsole.execution.verify.haproxy_state import SENDS_NOTHING, lacking, places_of
from haconsole.inventory.effective import external_etcd_urls
from haconsole.inventory.schema import Host
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.haproxy import AdminState, HaproxyFacts
from haconsole.model.haproxy_view import servers_at, servers_named
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.probes.balancers.haproxy import probe_haproxy
from haconsole.probes.context import ClusterContext
from haconsole.probes.errors import ProbeError
from haconsole.probes.etcd.access import etcd_at, etcd_on
from haconsole.probes.etcd.endpoint import probe_etcd
from haconsole.probes.hosts.addresses import parse_change
from haconsole.transport.etcd_errors import EtcdError
from haconsole.transport.haproxy_api import HaproxyError

ClusterCheck: TypeAlias = (
    EtcdHealthy
    | ApiserverReady
    | BackendsUp
    | VipOwned
    | VipAnswers
    | LeaseHeld
    | NodeRenewed
    | NodeIs
    | ApiHas
    | EtcdCheck
    | EtcdStoreCheck
    | ServerIs
)
Problems: TypeAlias = tuple[str, ...]
PATIENCE_S = 5.0
"""For etcd's answers: a gate of a run need not be as quick as a screen, and a late answer does not make a member
unhealthy.
"""


class ClusterQueries(Protocol):
    """Queries etcd, the API, haproxy and the hosts' addresses."""

    async def problems(self, check: ClusterCheck, host: HostName) -> Problems:
        """The reason why `check`, of a step on `host`, fails; raises TransportError when a host cannot be queried."""
        ...


class ClusterChecks:
    """Uses the same connections as the probes."""

    def __init__(self, context: ClusterContext) -> None:
        self._context = context

    async def problems(self, check: ClusterCheck, host: HostName) -> Problems:
        """The reasons why `check` fails, each sentence with its host."""
        on = self._context.inventory.find(host)
        assert on is not None
        try:
            return await self._ask(check, on)
        except (ProbeError, EtcdError) as error:
            return (str(error) if str(error).startswith(f"{host}:") else f"{host}: {error}",)

    async def _ask(self, check: ClusterCheck, host: Host) -> Problems:
        match check:
            case EtcdHealthy(voters=voters) if urls := external_etcd_urls(self._context.inventory):
                return await self._outside(urls, host, voters)
            case EtcdHealthy(voters=voters):
                async with etcd_on(self._context, host) as api:
                    return etcd_problems(host.name, await probe_etcd(api, deadline_s=PATIENCE_S), voters)
            case VipOwned(address=address, hosts=hosts):
                return await self._owned(address, hosts)
            case MemberIs() | MemberGone() | NoMemberAt() | LeaderAmong():
                return await etcd_list_problems(self._context, check)
            case HasRoom() | NoAlarm():
                async with etcd_on(self._context, host) as api:
                    return store_problems(host.name, await api.status(), check)
            case NodeIs() | ApiHas():
                return await object_problems(self._context, check)
            case ServerIs():
                return await self._server(check)
            case BackendsUp():
                return await self._backends(host, check)
            case ApiserverReady() | VipAnswers() | LeaseHeld() | NodeRenewed():
                return await api_problems(self._context, check, host)
            case _:
                assert_never(check)

    async def _outside(self, urls: tuple[str, ...], plane: Host, voters: int) -> Problems:
        """The problems of each member of an etcd outside the inventory, queried from a control plane."""
        problems = await asyncio.gather(*(self._endpoint(url, plane, voters) for url in urls))
        return tuple(line for lines in problems for line in lines)

    async def _endpoint(self, url: str, plane: Host, voters: int) -> Problems:
        try:
            async with etcd_at(self._context, url, plane) as api:
                return etcd_problems(url, await probe_etcd(api, deadline_s=PATIENCE_S), voters)
        except EtcdError as error:
            return (f"{plane.name}: {error}",)

    async def _backends(self, host: Host, check: BackendsUp) -> Problems:
        haproxy = self._context.layout.haproxy
        if haproxy is None:
            return (f"{host.name}: the inventory has no haproxy",)
        facts = await probe_haproxy(self._context.transport(host), haproxy.stats_socket)
        return backend_problems(host.name, facts, haproxy.backend, check)

    async def _server(self, check: ServerIs) -> Problems:
        answers = await asyncio.gather(
            *(self._server_on(host_of(self._context, name), check) for name in check.balancers)
        )
        return tuple(problem for problems in answers for problem in problems)

    async def _server_on(self, host: Host, check: ServerIs) -> Problems:
        haproxy = self._context.layout.haproxy
        if haproxy is None:
            return (f"{host.name}: the inventory has no haproxy",)
        try:
            facts = await probe_haproxy(self._context.transport(host), haproxy.stats_socket)
        except HaproxyError as error:
            if error.cause in SENDS_NOTHING:
                return () if check.state != AdminState.READY else (str(error),)
            raise
        return server_problems(host.name, facts, check)

    async def _owned(self, address: str, hosts: tuple[HostName, ...]) -> Problems:
        balancers = tuple(
            host for host in self._context.inventory.with_role(Role.LOAD_BALANCER) if not hosts or host.name in hosts
        )
        has = await asyncio.gather(*(self._has(host, address) for host in balancers))
        owners = [host.name for host, owns in zip(balancers, has, strict=True) if owns]
        if len(owners) == 1:
            return ()
        return (f"{address} is held by {' and '.join(owners)}" if owners else f"{address} is held by no balancer",)

    async def _has(self, host: Host, address: str) -> bool:
        result = await self._context.transport(host).run(("ip", "-o", "address", "show"))
        changes = (parse_change(line) for line in result.stdout.splitlines())
        return any(change is not None and change.entry.address == address for change in changes)


def backend_problems(host: str, facts: HaproxyFacts, backend: str, check: BackendsUp) -> Problems:
    """The reason why haproxy does not see every server UP: at their addresses, or by name in `backend`."""
    addresses = check.addresses or ((),) * len(check.servers)
    servers_by_balancer = {
        name: servers_at(facts, at) if at else servers_named(facts, backend, name)
        for name, at in zip(check.servers, addresses, strict=True)
    }
    missing = [name for name, places in servers_by_balancer.items() if not places]
    down = [
        f"{name} {place.server.status} ({place.server.check})"
        for name, places in servers_by_balancer.items()
        for place in places
        if not place.server.up
    ]
    lines = []
    if missing:
        where = "no backend of haproxy" if check.addresses else f"haproxy's backend {backend}"
        lines.append(f"{host}: {where} has {'a server for' if check.addresses else 'no server'} {', '.join(missing)}")
    if down:
        lines.append(f"{host}: haproxy reports {', '.join(down)}")
    return tuple(lines)


def server_problems(host: str, facts: HaproxyFacts, check: ServerIs) -> Problems:
    """The reason why haproxy does not have the servers in the state; if it `may_lack` them it sends them nothing."""
    places = places_of(facts, check)
    if not places:
        drained = check.may_lack and check.state != AdminState.READY
        return () if drained else (lacking(host, check),)
    return tuple(
        f"{host}: in haproxy, server {place.name} is in {place.server.admin_state}, not in {check.state}"
        for place in places
        if place.server.admin_state != check.state
    )


def etcd_problems(host: str, endpoint: EtcdEndpoint, voters: int) -> Problems:
    """The reason why a member's own report is not that of a healthy cluster with this number of voters."""
    if not endpoint.healthy:
        return (f"{host}: etcd answers no linearizable read: {endpoint.health_error}",)
    listed = [member for member in endpoint.members if not member.learner]
    unstarted = [member for member in listed if not member.started]
    if unstarted:
        return (f"{host}: etcd lists {len(unstarted)} members that have not started",)
    if len(listed) != voters:
        return (f"{host}: etcd lists {len(listed)} voters, not {voters}",)
    return ()
