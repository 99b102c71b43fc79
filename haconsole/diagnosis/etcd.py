"""Rules about etcd as a cluster: installation, quorum, tolerated failures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from haconsole.diagnosis import etcd_data, etcd_members, etcd_urls
from haconsole.diagnosis.candidate import BETWEEN_HOSTS, NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, Key, anywhere, on
from haconsole.diagnosis.causes import WAITS_FOR_API, pod_causes
from haconsole.diagnosis.external_etcd import external_rules
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.services import log_command, service_evidence
from haconsole.inventory.schema import Inventory
from haconsole.model.component import Verdict, is_slow, verdict
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, etcd_view
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.observed import Failed, Known, NotAsked, reason_of, value_of
from haconsole.model.quorum import needed_for
from haconsole.model.services import is_hung, is_stopped
from haconsole.model.snapshot import ClusterSnapshot


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about the etcd cluster and each of its members."""
    hosts = tuple(facts for facts in snapshot.hosts if facts.has(Role.ETCD))
    view = etcd_view(snapshot)
    if view.external:
        planes = tuple(facts for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE))
        yield from external_rules(snapshot, view, planes)
    if not hosts:
        return
    yield from _not_bootstrapped(hosts)
    yield from _quorum(view, hosts)
    yield from etcd_members.rules(view, hosts)
    yield from etcd_urls.rules(view, hosts, inventory)
    yield from etcd_data.rules(view, hosts, inventory)


def _not_bootstrapped(hosts: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    """Every etcd host answered, and reports an etcd that is neither running nor enabled."""
    if not all(isinstance(facts.etcd, Failed) for facts in hosts):
        return
    units = [[unit for unit in value_of(facts.services) or () if unit.name.startswith("etcd")] for facts in hosts]
    if not all(units) or any(unit.running or unit.enabled or unit.active == "failed" for unit in chain(*units)):
        return
    yield Candidate(
        Finding(
            "cluster.not-bootstrapped",
            Severity.CRITICAL,
            "cluster",
            "nothing is installed on these hosts yet",
            "etcd runs on none of its hosts and is enabled on none of them.",
            tuple(facts.says(reason_of(facts.etcd) or "not queried") for facts in hosts),
            (call("bootstrap", "install the cluster"),),
        ),
        hides_consequences=True,
    )


def _is_out(facts: HostFacts) -> bool:
    """The member is down, or gives no answer although its host is quick."""
    state = verdict(facts, "etcd", facts.etcd)
    return state is Verdict.DOWN or (state is Verdict.SILENT and not is_slow(facts))


def _quorum(view: EtcdView, hosts: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    if not any(isinstance(facts.reach, Known) for facts in hosts) and not view.current:
        return
    not_observed = sum(isinstance(facts.etcd, NotAsked) for facts in hosts)
    quorum = view.quorum
    if quorum is not None and quorum.holds:
        if quorum.can_lose == 0 and not any(row.unknown for row in view.members if not row.member.learner):
            yield _no_fault_tolerance(view, hosts)
        return
    voters = quorum.voters if quorum else len(hosts)
    answering = sum(isinstance(facts.etcd, Known) for facts in hosts)
    if answering + not_observed >= needed_for(voters) and (not_observed or view.leader is not None):
        return
    out = sum(_is_out(facts) for facts in hosts)
    if not answering and voters - out >= needed_for(voters):
        return
    sums = f"{voters} voters, {needed_for(voters)} needed, {answering} answering, no linearizable read succeeds"
    yield Candidate(
        Finding(
            QUORUM_LOST[0],
            Severity.CRITICAL,
            "etcd",
            "etcd has lost its quorum: " + _missing_members(hosts),
            "A majority of the voters must agree to each write. " + sums + ".",
            tuple(line for facts in hosts for line in _silence(facts)),
            _recovery(hosts),
        ),
        (
            NOT_BOOTSTRAPPED,
            *anywhere(*BETWEEN_HOSTS),
            *((WAITS_FOR_API,) if any(pod_causes(facts, "etcd") for facts in hosts) else ()),
            *_unsupervised(tuple(facts for facts in hosts if _is_out(facts))),
        ),
        already_covers=tuple(
            (code, facts.host)
            for facts in hosts
            for code in ("host.unreachable", "etcd.member-down", "etcd.member-unhealthy")
        )
        + tuple(("service.hung", f"etcd@{facts.host}") for facts in hosts),
    )


def _unsupervised(out: tuple[HostFacts, ...]) -> tuple[Key, ...]:
    """The causes of a lost quorum if each missing member is a static pod without its kubelet or container runtime."""
    causes = tuple(pod_causes(facts, "etcd") for facts in out)
    stopped = all(any(is_stopped(facts.service(name)) for name in ("kubelet", "containerd")) for facts in out)
    return tuple(chain(*causes)) if stopped and all(causes) else ()


def _missing_members(hosts: tuple[HostFacts, ...]) -> str:
    """The missing members, if known."""
    groups = (
        ("stopped", tuple(facts.host for facts in hosts if is_stopped(facts.service("etcd")))),
        ("hung", tuple(facts.host for facts in hosts if _is_hung(facts))),
        ("out of reach", tuple(facts.host for facts in hosts if isinstance(facts.reach, Failed))),
    )
    sentence = "; ".join(f"{state} on {', '.join(names)}" for state, names in groups if names)
    return sentence or "no write is possible"


def _is_hung(facts: HostFacts) -> bool:
    return is_hung(facts.service("etcd"), answers=isinstance(facts.etcd, Known))


def _recovery(hosts: tuple[HostFacts, ...]) -> tuple[Remedy, ...]:
    """Start stopped or hung members with their data unchanged; a snapshot is the last resort."""
    down = tuple(facts.host for facts in hosts if is_stopped(facts.service("etcd")) or _is_hung(facts))
    starts = (call("restart", f"start etcd on {', '.join(down)}; the members' data is unchanged", service="etcd"),)
    away = tuple(facts.host for facts in hosts if isinstance(facts.reach, Failed))
    return (
        *(starts if down else ()),
        *((advice(f"bring back {', '.join(away)}: power, network, SSH"),) if away else ()),
        *(advice(f"find the cause: {log_command(facts, 'etcd')}") for facts in hosts),
        call("restore", "restore a snapshot; all writes after the snapshot are lost", last_resort=True),
    )


def _silence(facts: HostFacts) -> tuple[str, ...]:
    endpoint = value_of(facts.etcd)
    if endpoint is not None:
        return (f"{facts.host}: answers, but {endpoint.health_error or 'sees no leader'}",)
    if is_stopped(facts.service("etcd")) or _is_hung(facts):
        return service_evidence(facts, "etcd")
    return (facts.says(reason_of(facts.etcd) or "not queried"), *service_evidence(facts, "etcd")[1:])


def _no_fault_tolerance(view: EtcdView, hosts: tuple[HostFacts, ...]) -> Candidate:
    assert view.quorum is not None
    silent = tuple(row for row in view.members if not row.healthy and not row.member.learner)
    caused_by: list[Key] = []
    for row in silent:
        caused_by += _why_down(row)
    alone = view.quorum.voters == 1 and len(hosts) == 1
    return Candidate(
        Finding(
            "etcd.no-fault-tolerance",
            Severity.INFO if alone else Severity.WARNING,
            "etcd",
            "etcd has one member only" if alone else "etcd stops if one more member fails",
            view.quorum.sentence() + ".",
            (),
            (advice("add two hosts with the etcd role to the inventory and join them"),)
            if alone
            else (advice("bring back or replace the missing member before any other work"),),
        ),
        (*caused_by, *anywhere("etcd.stale-data-dir", "etcd.missing-member")),
    )


def _why_down(row: EtcdMemberView) -> tuple[Key, ...]:
    if not row.member.started:
        return (("etcd.member-unstarted", row.member.id),)
    if row.host is None:
        return (("etcd.ghost-member", row.member.id),)
    return on(
        row.host, "etcd.member-down", "service.hung", "etcd.member-unhealthy", "etcd.stale-data-dir", "host.unreachable"
    )
