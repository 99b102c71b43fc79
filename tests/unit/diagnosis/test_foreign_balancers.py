"""Balancers of the site's own: nothing false is found on them, and no remedy replaces their files."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose, health
from haconsole.model.findings import ActionCall, Finding, Health
from haconsole.model.haproxy import HaproxyFacts
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Cause, Failed, Known, value_of
from haconsole.model.provenance import Owner
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KeepalivedFacts
from tests.fakes.cluster import INVENTORY, NOW, balancer_files, healthy, units


def site(owner: Owner = Owner.FOREIGN, **services: str) -> ClusterSnapshot:
    """Healthy, behind balancers of that owner without a stats socket; `services` are in other states."""

    def foreign(facts: HostFacts) -> HostFacts:
        silent: Failed[HaproxyFacts] = Failed("haproxy: runs without a stats socket", NOW, Cause.NOT_CONFIGURED)
        files = Known(balancer_files(owner), NOW)
        return replace(facts, haproxy=silent, balancer_files=files, services=Known(units(**services), NOW))

    snapshot = healthy()
    return replace(snapshot, hosts=tuple(map(foreign, snapshot.hosts)))


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def test_a_healthy_cluster_behind_foreign_balancers_is_healthy() -> None:
    findings = findings_of(site())
    assert [finding.code for finding in findings] == ["balancer.foreign", "balancer.foreign", "balancer.no-socket"]
    assert health(site(), findings) is Health.HEALTHY


def test_a_socket_that_vanished_is_opened_again_by_a_restart_where_the_files_are_ours() -> None:
    assert not [call for finding in findings_of(site()) for call in finding.calls]
    (finding,) = findings_of(site(Owner.OURS))
    assert finding.code == "balancer.no-socket"
    calls = [remedy for remedy in finding.remedies if isinstance(remedy, ActionCall)]
    assert [(call.action, call.request["host"]) for call in calls] == [
        ("restart", "cp1"),
        ("restart", "cp2"),
        ("restart", "cp3"),
    ]
    assert len(finding.remedies) == len(calls)


@pytest.mark.parametrize("owner", [Owner.FOREIGN, Owner.CHANGED])
@pytest.mark.parametrize("service", ["keepalived", "haproxy"])
def test_a_stopped_foreign_balancer_is_restarted_and_never_replaced(owner: Owner, service: str) -> None:
    calls = [
        remedy
        for finding in findings_of(site(owner, **{service: "inactive"}))
        for remedy in finding.remedies
        if isinstance(remedy, ActionCall)
    ]
    assert [call for call in calls if call.action == "restart"]
    assert not [call for call in calls if call.action in ("bootstrap", "failover", "failback")]


@pytest.mark.parametrize(("priorities", "mismatch"), [((101, 100, 100), False), ((100, 100, 90), True)])
def test_only_the_highest_priority_must_be_held_by_one_host(priorities: tuple[int, ...], mismatch: bool) -> None:
    snapshot = healthy()

    def with_priority(facts: HostFacts, priority: int) -> HostFacts:
        keepalived = value_of(facts.keepalived)
        assert keepalived is not None
        instances = tuple(replace(one, priority=priority) for one in keepalived.instances)
        return replace(facts, keepalived=Known(replace(keepalived, instances=instances), NOW))

    hosts = tuple(map(with_priority, snapshot.hosts, priorities))
    codes = {finding.code for finding in findings_of(replace(snapshot, hosts=hosts))}
    assert ("vip.config-mismatch" in codes) is mismatch


def test_an_unknown_balancer_may_have_the_highest_priority() -> None:
    late: Failed[KeepalivedFacts] = Failed("no answer within 2 s", NOW, Cause.TIMED_OUT)
    first, second, third = healthy().hosts
    keepalived = value_of(second.keepalived)
    assert keepalived is not None
    equal = tuple(replace(one, keepalived=Known(keepalived, NOW)) for one in (second, third))
    for unknown in (True, False):
        hosts = (
            replace(first, keepalived=late) if unknown else replace(first, keepalived=Known(keepalived, NOW)),
            *equal,
        )
        codes = {finding.code for finding in findings_of(replace(healthy(), hosts=hosts))}
        assert ("vip.config-mismatch" in codes) is not unknown
