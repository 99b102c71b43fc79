"""One view of etcd, combined from the reports of each host's member."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from haconsole.model.component import Verdict, verdict
from haconsole.model.etcd import EtcdEndpoint, EtcdMember
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName, MemberId
from haconsole.model.observed import Failed, Known, NotAsked, reason_of
from haconsole.model.quorum import Quorum, needed_for
from haconsole.model.snapshot import ClusterSnapshot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EtcdMemberView:
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


@dataclass(frozen=True, slots=True)
class EtcdView:
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


def etcd_view(snapshot: ClusterSnapshot) -> EtcdView:
    """Merge the answers of all hosts with the etcd role."""
    hosts = tuple(facts for facts in snapshot.hosts if facts.has(Role.ETCD))
    fresh = {facts.host: facts.etcd.value for facts in hosts if isinstance(facts.etcd, Known)}
    members = fresh or _remembered(hosts)
    cluster_id = _most_common(tuple(endpoint.cluster_id for endpoint in members.values()))
    ours = tuple(endpoint for endpoint in members.values() if endpoint.cluster_id == cluster_id)
    leader = _most_common(tuple(endpoint.leader_id for endpoint in ours if endpoint.leader_id)) if fresh else None
    rows = tuple(_row(member, hosts, fresh, cluster_id, leader) for member in _list_of(ours))
    voters = tuple(row for row in rows if not row.member.learner)
    return EtcdView(
        members=rows,
        quorum=_quorum(voters) if rows else None,
        leader=leader,
        cluster_id=cluster_id,
        cluster_ids=tuple(sorted({endpoint.cluster_id for endpoint in fresh.values()})),
        current=bool(fresh),
        unlisted=tuple(facts.host for facts in hosts if facts.host not in {row.host for row in rows}),
    )


def _quorum(voters: tuple[EtcdMemberView, ...]) -> Quorum:
    """Voters that answer, and at least a majority when one of them read through the quorum."""
    healthy = sum(row.healthy for row in voters)
    answering = sum(row.endpoint is not None for row in voters)
    return Quorum(len(voters), max(healthy, needed_for(len(voters))) if healthy else 0, answering)


def _remembered(hosts: tuple[HostFacts, ...]) -> dict[HostName, EtcdEndpoint]:
    return {
        facts.host: facts.etcd.last.value
        for facts in hosts
        if isinstance(facts.etcd, Failed) and facts.etcd.last is not None
    }


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
        return "added to the list, never started"
    if facts is None:
        return "runs on no host of the inventory, so it was not queried"
    if isinstance(facts.etcd, NotAsked):
        return "no answer yet"
    return reason_of(facts.etcd) or "its host answers as another member"
