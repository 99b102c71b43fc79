"""One view of etcd, combined from the reports of each host's member."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from haconsole.model.component import Verdict, verdict
from haconsole.model.etcd import EtcdEndpoint, EtcdMember, ExternalEndpoint
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName, MemberId
from haconsole.model.observed import Cause, Failed, Known, NotAsked, Observed, reason_of
from haconsole.model.quorum import Quorum, needed_for
from haconsole.model.snapshot import ClusterSnapshot

T = TypeVar("T")


class EtcdMemberView(msgspec.Struct, frozen=True):
    """A listed member, the inventory's host it runs on (None: on none of them), and its own answer if it gave one."""

    member: EtcdMember
    host: HostName | None
    endpoint: EtcdEndpoint | None
    leader: bool
    error: str | None
    unknown: bool = False
    """It could not be queried, from its own host or from another: it may well work."""

    @property
    def healthy(self) -> bool:
        return self.endpoint is not None and self.endpoint.healthy

    @property
    def alarms(self) -> tuple[str, ...]:
        if self.endpoint is None:
            return ()
        return tuple(alarm.kind for alarm in self.endpoint.alarms if alarm.member == self.member.id)


class EtcdView(msgspec.Struct, frozen=True):
    """The member list of the cluster most hosts belong to.

    `quorum` is None while no member list was ever read. `current` is False when the list is remembered from an earlier
    read. `unlisted` are hosts with the etcd role that no listed member runs on.
    """

    members: tuple[EtcdMemberView, ...]
    quorum: Quorum | None
    leader: MemberId | None
    cluster_id: str | None
    cluster_ids: tuple[str, ...]
    current: bool
    unlisted: tuple[HostName, ...]
    external: bool = False
    """The members run outside the inventory, and are queried from control planes."""


def etcd_view(snapshot: ClusterSnapshot) -> EtcdView:
    """Merge the answers of all hosts with the etcd role."""
    hosts = tuple(facts for facts in snapshot.hosts if facts.has(Role.ETCD))
    fresh = {facts.host: facts.etcd.value for facts in hosts if isinstance(facts.etcd, Known)}
    endpoints = snapshot.external_etcd
    every = (*(facts.etcd for facts in hosts), *(one.etcd for one in endpoints))
    reports = tuple(fact.value for fact in every if isinstance(fact, Known))
    members = reports or _remembered(every)
    cluster_id = _most_common(tuple(endpoint.cluster_id for endpoint in members))
    ours = tuple(endpoint for endpoint in members if endpoint.cluster_id == cluster_id)
    leader = _most_common(tuple(endpoint.leader_id for endpoint in ours if endpoint.leader_id)) if reports else None
    listed = _list_of(ours)
    if endpoints:
        rows = tuple(_row_outside(member, endpoints, cluster_id, leader) for member in listed)
    else:
        rows = tuple(_row(member, hosts, fresh, cluster_id, leader) for member in listed)
    voters = tuple(row for row in rows if not row.member.learner)
    return EtcdView(
        members=rows,
        quorum=_quorum(voters) if rows else None,
        leader=leader,
        cluster_id=cluster_id,
        cluster_ids=tuple(sorted({endpoint.cluster_id for endpoint in reports})),
        current=bool(reports),
        unlisted=tuple(facts.host for facts in hosts if facts.host not in {row.host for row in rows}),
        external=bool(endpoints),
    )


def _quorum(voters: tuple[EtcdMemberView, ...]) -> Quorum:
    """Voters that answer, and at least a majority when one of them read through the quorum."""
    healthy = sum(row.healthy for row in voters)
    answering = sum(row.endpoint is not None for row in voters)
    return Quorum(len(voters), max(healthy, needed_for(len(voters))) if healthy else 0, answering)


def _remembered(facts: Iterable[Observed[EtcdEndpoint]]) -> tuple[EtcdEndpoint, ...]:
    return tuple(fact.last.value for fact in facts if isinstance(fact, Failed) and fact.last is not None)


def _most_common(values: tuple[T, ...]) -> T | None:
    return Counter(values).most_common(1)[0][0] if values else None


def _list_of(endpoints: tuple[EtcdEndpoint, ...]) -> tuple[EtcdMember, ...]:
    """The list of the best informed voter: one that reads with quorum first, then the one furthest in the log."""
    endpoints = tuple(endpoint for endpoint in endpoints if endpoint.members)
    if not endpoints:
        return ()
    best = max(endpoints, key=lambda endpoint: (endpoint.healthy, endpoint.raft_applied_index))
    return tuple(sorted(best.members, key=lambda member: (member.name or "~", member.id)))


def _row(
    member: EtcdMember,
    hosts: tuple[HostFacts, ...],
    fresh: dict[HostName, EtcdEndpoint],
    cluster_id: str | None,
    leader: MemberId | None,
) -> EtcdMemberView:
    facts = _host_of(member, hosts, fresh)
    endpoint = fresh.get(facts.host) if facts else None
    if endpoint is not None and (endpoint.member_id != member.id or endpoint.cluster_id != cluster_id):
        endpoint = None
    error = endpoint.health_error if endpoint else _why_silent(member, facts)
    unknown = facts is not None and endpoint is None and verdict(facts, "etcd", facts.etcd) in UNHEARD
    return EtcdMemberView(member, facts.host if facts else None, endpoint, member.id == leader, error, unknown)


def _row_outside(
    member: EtcdMember, endpoints: tuple[ExternalEndpoint, ...], cluster_id: str | None, leader: MemberId | None
) -> EtcdMemberView:
    """A member outside the inventory: the endpoint that answers as it, otherwise the one in its client URLs."""
    answers = (one.etcd.value for one in endpoints if isinstance(one.etcd, Known))
    endpoint = next((one for one in answers if (one.member_id, one.cluster_id) == (member.id, cluster_id)), None)
    silent = next((one.etcd for one in endpoints if one.url in member.client_urls), None)
    if endpoint is not None:
        error = endpoint.health_error
    elif silent is None:
        error = "none of the member's client URLs is in etcd.external.endpoints, so the member was not queried"
    else:
        error = reason_of(silent) or "another member answers at this member's endpoint"
    refused = isinstance(silent, Failed) and silent.cause is Cause.REFUSED
    return EtcdMemberView(member, None, endpoint, member.id == leader, error, endpoint is None and not refused)


UNHEARD = (Verdict.UNKNOWN, Verdict.WAITING)


def _host_of(member: EtcdMember, hosts: tuple[HostFacts, ...], fresh: dict[HostName, EtcdEndpoint]) -> HostFacts | None:
    """The host that answers as this member, otherwise the one in its peer URLs."""
    for facts in hosts:
        if facts.host in fresh and fresh[facts.host].member_id == member.id:
            return facts
    return next((facts for facts in hosts if is_listed_at(member, facts)), None)


def is_listed_at(member: EtcdMember, facts: HostFacts) -> bool:
    """Whether a peer URL has the host's address, or its name with or without a domain, as in DNS SRV records."""
    names = (urlsplit(url).hostname or "" for url in member.peer_urls)
    return any(name in (facts.address, facts.host) or name.startswith(f"{facts.host}.") for name in names)


def _why_silent(member: EtcdMember, facts: HostFacts | None) -> str:
    if not member.started:
        return "in etcd's member list, but never started"
    if facts is None:
        return "runs on no host of the inventory, so it was not queried"
    if isinstance(facts.etcd, NotAsked):
        return "no answer yet"
    return reason_of(facts.etcd) or "another member answers on this member's host"
