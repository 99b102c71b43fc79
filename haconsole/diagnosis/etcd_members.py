"""Rules about etcd's members, each and compared with the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from haconsole.diagnosis.candidate import (
    BETWEEN_HOSTS,
    NOT_BOOTSTRAPPED,
    ONLY_LOCAL,
    QUORUM_LOST,
    Candidate,
    anywhere,
    on,
)
from haconsole.diagnosis.causes import CERTIFICATE_CODES, first_causes, pod_causes, setup_causes
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.services import hung_service, log_command, restarts, service_evidence
from haconsole.model.component import Verdict, verdict
from haconsole.model.etcd_view import EtcdMemberView, EtcdView
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Known, reason_of
from haconsole.model.quorum import needed_for
from haconsole.model.services import just_restarted


def rules(view: EtcdView, hosts: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    """Candidates about members that do not answer, are missing, extra or inconsistent."""
    yield from _membership(view, hosts)
    yield from _odd_ones(view, hosts)


def _membership(view: EtcdView, hosts: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    by_host = {facts.host: facts for facts in hosts}
    for row in view.members:
        if not row.member.started:
            yield _member_without_name(row)
        elif row.host is None:
            yield _ghost(row)
        else:
            yield from _answer(row, by_host[row.host])
            yield from _learner(row, by_host[row.host], view)
    yield from (_stale_data(facts) for facts in hosts if _foreign_data(facts))
    if not view.current:
        return
    for host in view.unlisted:
        if verdict(by_host[host], "etcd", by_host[host].etcd) not in (Verdict.UNKNOWN, Verdict.WAITING):
            yield _missing(host, by_host[host])


def _answer(row: EtcdMemberView, facts: HostFacts) -> Iterator[Candidate]:
    """Candidates from a member's answer or its silence; none where it could not be queried."""
    match verdict(facts, "etcd", facts.etcd):
        case Verdict.ANSWERS if row.endpoint is None:
            yield _member_down(row, facts)
        case Verdict.ANSWERS if not row.healthy:
            yield _unhealthy(row, facts)
        case Verdict.DOWN:
            yield _member_down(row, facts)
        case Verdict.SILENT:
            yield hung_service(facts, "etcd", QUORUM_LOST)
        case _:
            pass


MEMBER_CAUSES = ("host.unreachable", "host.read-only", "host.disk-full", "host.inodes-full", *CERTIFICATE_CODES)
"""Causes on its host that take a member down, the likeliest first."""


def _unhealthy(row: EtcdMemberView, facts: HostFacts) -> Candidate:
    assert row.endpoint is not None
    led = row.endpoint.leader_id is not None
    problem = "answers but completes no read" if led else "answers but has no leader"
    return Candidate(
        Finding(
            "etcd.member-unhealthy",
            Severity.WARNING,
            facts.host,
            f"etcd member {row.member.name} {problem}",
            "A member that cannot reach the majority serves no linearizable read and no write."
            if not led
            else "The member has a leader and does not complete a linearizable read in time.",
            (row.endpoint.health_error or "", f"raft term {row.endpoint.raft_term}", *service_evidence(facts, "etcd")),
            (
                advice(
                    f"check that {facts.host} and the other members reach each other's peer ports; "
                    "the cause may be a firewall, a route or a peer certificate"
                ),
                advice(f"find the cause: {log_command(facts, 'etcd')}; a slow disk shows there as slow fdatasync"),
            ),
        ),
        (
            QUORUM_LOST,
            *setup_causes(facts.host, "etcd"),
            *on(facts.host, "host.slow", *MEMBER_CAUSES),
            *anywhere(ONLY_LOCAL, *BETWEEN_HOSTS),
        ),
    )


def _member_down(row: EtcdMemberView, facts: HostFacts) -> Candidate:
    return Candidate(
        Finding(
            "etcd.member-down",
            Severity.WARNING,
            facts.host,
            f"etcd member {row.member.name} does not answer",
            "The member is listed and was started before, so it counts for the quorum.",
            (*service_evidence(facts, "etcd"), row.error or "no answer"),
            (
                *restarts(facts, "etcd", "etcd"),
                advice(f"find the cause: {log_command(facts, 'etcd')}"),
                call("replace", "if the host is lost: replace it by another", last_resort=True, old=facts.host),
            ),
        ),
        (
            *first_causes(facts.host, "etcd"),
            QUORUM_LOST,
            ("etcd.cluster-id-mismatch", "etcd"),
            ("service.masked", f"etcd@{facts.host}"),
            *setup_causes(facts.host, "etcd"),
            *on(facts.host, ONLY_LOCAL, "etcd.stale-data-dir"),
            *on(facts.host, *MEMBER_CAUSES),
            *pod_causes(facts, "etcd"),
        ),
    )


LEARNS_FOR = timedelta(minutes=10)
"""The time after the start of a learner's process from which it is stuck; a join promotes it within minutes."""
CAUGHT_UP = 0.9
"""The share of the leader's index from which etcd promotes a learner."""


def _learner(row: EtcdMemberView, facts: HostFacts, view: EtcdView) -> Iterator[Candidate]:
    """A learner whose process has run for long: nobody promoted it, or it does not catch up."""
    unit = facts.service("etcd")
    if not row.member.learner or row.endpoint is None or unit is None or unit.started is None:
        return
    assert isinstance(facts.services, Known)
    age = facts.services.at - unit.started
    if age < LEARNS_FOR:
        return
    index = max((one.endpoint.raft_index for one in view.members if one.endpoint), default=0)
    behind = row.endpoint.raft_index < CAUGHT_UP * index
    check = advice(
        f"check the learner's peer port and disk: {log_command(facts, 'etcd')}; then remove it and join its host again"
    )
    finish = call("join", "finish the join: promote the learner", host=facts.host)
    yield Candidate(
        Finding(
            "etcd.learner-stuck",
            Severity.WARNING,
            facts.host,
            f"etcd member {row.member.name} has been a learner for {age // timedelta(minutes=1)} minutes"
            + (" and does not catch up" if behind else ", although it has caught up"),
            "A learner does not vote, so the cluster tolerates no more failures than without it.",
            (f"the learner's raft index is {row.endpoint.raft_index}, the highest is {index}",),
            (check,) if behind else (finish, check),
        ),
        (
            QUORUM_LOST,
            *setup_causes(facts.host, "etcd"),
            *on(facts.host, "host.slow", *MEMBER_CAUSES),
            *anywhere(*BETWEEN_HOSTS),
        ),
    )


def _member_without_name(row: EtcdMemberView) -> Candidate:
    urls = ", ".join(row.member.peer_urls)
    return Candidate(
        Finding(
            "etcd.member-unstarted",
            Severity.WARNING,
            row.member.id,
            f"member {row.member.id} at {urls} was added and never started",
            "A voter that never started counts for the quorum and cannot vote.",
            (f"peer URLs {urls}", f"host: {row.host or 'none of the inventory'}"),
            (
                *((call("join", "finish the join", host=row.host),) if row.host else ()),
                call("remove", "remove the member", member_id=row.member.id),
            ),
        ),
        (QUORUM_LOST,),
    )


def _ghost(row: EtcdMemberView) -> Candidate:
    return Candidate(
        Finding(
            "etcd.ghost-member",
            Severity.WARNING,
            row.member.id,
            f"member {row.member.name} ({row.member.id}) runs on no host of the inventory",
            "The member votes, and this console neither observes nor changes it.",
            ("peer URLs " + ", ".join(row.member.peer_urls),),
            (
                call("remove", "remove the member", member_id=row.member.id),
                advice("or add the member's host to the inventory"),
            ),
        )
    )


DATA_LOST = re.compile("permanently removed|already (been )?bootstrapped|member count is unequal", re.IGNORECASE)
"""Log messages of an etcd whose data folder does not belong to the cluster that it should join."""


def _foreign_data(facts: HostFacts) -> bool:
    unit = facts.service("etcd")
    if unit is None or not isinstance(facts.services, Known) or not any(map(DATA_LOST.search, unit.lines)):
        return False
    return not unit.running or just_restarted(unit, facts.services.at)


def _stale_data(facts: HostFacts) -> Candidate:
    return Candidate(
        Finding(
            "etcd.stale-data-dir",
            Severity.WARNING,
            facts.host,
            f"etcd on {facts.host} cannot start with its data directory",
            "The member was removed from the cluster, or its data was deleted. Restarting etcd does not help.",
            service_evidence(facts, "etcd"),
            (call("rejoin", "remove the old member, rename its data and join the host again", host=facts.host),),
        ),
        (
            *on(facts.host, "kubeadm.leftovers"),
            ("service.requirement-missing", f"etcd@{facts.host}"),
            NOT_BOOTSTRAPPED,
            QUORUM_LOST,
        ),
    )


def _missing(host: str, facts: HostFacts) -> Candidate:
    return Candidate(
        Finding(
            "etcd.missing-member",
            Severity.WARNING,
            host,
            f"{host} has the etcd role but is not in the member list",
            "The cluster is smaller than the inventory describes.",
            (reason_of(facts.etcd) or "etcd on this host belongs to another cluster", *service_evidence(facts, "etcd")),
            (call("join", "add the host as a member", host=host),),
        ),
        (
            *first_causes(host, "etcd"),
            NOT_BOOTSTRAPPED,
            QUORUM_LOST,
            ("etcd.cluster-id-mismatch", "etcd"),
            *setup_causes(host, "etcd"),
            *on(host, "etcd.stale-data-dir"),
            *pod_causes(facts, "etcd"),
        ),
    )


def _odd_ones(view: EtcdView, hosts: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    if len(view.cluster_ids) > 1:
        yield _cluster_ids(view, hosts)
    names = Counter(row.member.name for row in view.members if row.member.started)
    for name, times in names.items():
        if times > 1:
            yield _duplicate(name, view)
    voters = sum(not row.member.learner for row in view.members)
    if voters and voters % 2 == 0:
        yield _even(voters)
    versions = {row.endpoint.version for row in view.members if row.endpoint}
    if len(versions) > 1:
        yield _versions(view, versions)


def _cluster_ids(view: EtcdView, hosts: tuple[HostFacts, ...]) -> Candidate:
    answers = {facts.host: facts.etcd.value.cluster_id for facts in hosts if isinstance(facts.etcd, Known)}
    stray = [host for host, cluster in answers.items() if cluster != view.cluster_id]
    return Candidate(
        Finding(
            "etcd.cluster-id-mismatch",
            Severity.CRITICAL,
            "etcd",
            f"{' and '.join(stray)} belong to another etcd cluster",
            "Members of different clusters share no data.",
            tuple(f"{host}: cluster {cluster}" for host, cluster in answers.items()),
            tuple(call("rejoin", "rename the etcd data and join the host again", host=host) for host in stray),
        )
    )


def _duplicate(name: str, view: EtcdView) -> Candidate:
    ids = tuple(row.member.id for row in view.members if row.member.name == name)
    return Candidate(
        Finding(
            "etcd.duplicate-name",
            Severity.WARNING,
            name,
            f"the name {name} is in the member list {len(ids)} times",
            "Configuration that refers to names is ambiguous.",
            tuple(f"member {member}" for member in ids),
            _surplus(name, view),
        )
    )


def _surplus(name: str, view: EtcdView) -> tuple[Remedy, ...]:
    """Removal of the members of that name that do not answer, if another one does."""
    rows = tuple(row for row in view.members if row.member.name == name)
    dead = tuple(row.member.id for row in rows if row.endpoint is None)
    if not dead or len(dead) == len(rows):
        return (advice("find out which of the members is not in use, then remove it by its ID"),)
    return tuple(call("remove", "remove the member that does not answer", member_id=one) for one in dead)


def _even(voters: int) -> Candidate:
    return Candidate(
        Finding(
            "etcd.even-voters",
            Severity.INFO,
            "etcd",
            f"etcd has {voters} voters, an even number",
            f"{voters} voters tolerate no more failures than {voters - 1}, but one voter more must agree to each "
            "write.",
            (f"majority: {needed_for(voters)} of {voters}; of {voters - 1} voters: {needed_for(voters - 1)}",),
            (advice("add a host with the etcd role to the inventory and join it, or remove a member"),),
        ),
        anywhere(
            "etcd.stale-data-dir",
            "etcd.missing-member",
            "etcd.ghost-member",
            "etcd.member-unstarted",
            "etcd.duplicate-name",
        ),
    )


def _versions(view: EtcdView, versions: set[str]) -> Candidate:
    return Candidate(
        Finding(
            "etcd.version-skew",
            Severity.WARNING,
            "etcd",
            f"the members run different versions: {', '.join(sorted(versions))}",
            "The cluster works at the version of its oldest member. Versions should differ only during an upgrade.",
            tuple(f"{row.host}: {row.endpoint.version}" for row in view.members if row.endpoint),
            (advice("finish the upgrade, one member at a time"),),
        )
    )
