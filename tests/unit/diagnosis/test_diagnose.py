"""Each fault shows as one finding that names its cause, with its consequences as evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose, health
from haconsole.model.etcd import EtcdAlarm
from haconsole.model.findings import Finding, Health, Severity
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyFacts
from haconsole.model.hosts import ApiserverFacts, DiskSpace, HostFacts, InterfaceAddress
from haconsole.model.names import MemberId
from haconsole.model.observed import Cause, Failed, Known, NotAsked, value_of
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, etcd_silent, healthy, unreachable


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def codes(snapshot: ClusterSnapshot) -> list[tuple[str, str]]:
    return [(finding.code, finding.subject) for finding in findings_of(snapshot)]


def all_hosts(snapshot: ClusterSnapshot, **facts: object) -> ClusterSnapshot:
    hosts = tuple(replace(each, **facts) for each in snapshot.hosts)
    return replace(snapshot, hosts=hosts)


def test_a_healthy_cluster_has_no_finding() -> None:
    assert findings_of(healthy()) == ()
    assert health(healthy(), ()) is Health.HEALTHY


def test_a_lost_host_is_one_finding_that_takes_in_all_that_follows() -> None:
    snapshot = changed(healthy(), 3, unreachable)
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject, finding.severity) == ("host.unreachable", "cp3", Severity.WARNING)
    assert "etcd stops if one more member fails" in finding.evidence
    assert "no answer within 10 s" in finding.evidence
    assert health(snapshot, (finding,)) is Health.DEGRADED


def test_a_stopped_member_has_its_service_and_the_vote_count_as_evidence() -> None:
    (finding,) = findings_of(changed(healthy(), 2, etcd_silent))
    assert (finding.code, finding.subject) == ("etcd.member-down", "cp2")
    assert any("etcd on cp2 is stopped" in line for line in finding.evidence)
    assert any("etcd stops if one more member fails" in line for line in finding.evidence)


def test_a_suspended_member_is_found_before_its_port_was_queried() -> None:
    suspended = tuple(replace(unit, process="T") if unit.name == "etcd" else unit for unit in cluster.units())
    snapshot = changed(healthy(), 2, lambda facts: replace(facts, etcd=NotAsked(), services=Known(suspended, NOW)))
    assert ("service.hung", "etcd@cp2") in codes(snapshot)


def test_two_silent_members_are_one_lost_quorum() -> None:
    snapshot = changed(changed(healthy(), 1, etcd_silent), 2, unreachable)
    lonely = replace(cluster.endpoint(3, leader=None, healthy=False))
    snapshot = changed(snapshot, 3, lambda facts: replace(facts, etcd=Known(lonely, NOW)))
    snapshot = replace(snapshot, leases=Known((cluster.lease("kube-scheduler", age_s=60),), NOW))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.severity) == ("etcd.quorum-lost", Severity.CRITICAL)
    text = "\n".join(finding.evidence)
    assert text.count("etcd on cp1 is stopped") == text.count("cp2: ") == 1
    assert "kube-scheduler has no leader: its lock is expired" in text
    assert "cp3: answers, but etcdserver: request timed out" in text


def test_quorum_is_not_called_lost_while_a_read_goes_through_it() -> None:
    snapshot = changed(changed(healthy(), 2, unreachable), 3, unreachable)
    assert "etcd.quorum-lost" not in {code for code, _ in codes(snapshot)}
    assert health(snapshot, findings_of(snapshot)) is Health.DEGRADED


def test_all_hosts_unreachable_is_unknown_not_critical() -> None:
    snapshot = healthy()
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, unreachable)
    assert {code for code, _ in codes(snapshot)} == {"host.unreachable"}
    assert health(snapshot, findings_of(snapshot)) is Health.UNKNOWN


def test_bare_hosts_are_not_yet_a_cluster_and_nothing_else() -> None:
    down: Failed[object] = Failed("not running", NOW, Cause.NOT_RUNNING)
    bare = tuple(
        replace(unit, active="inactive", sub="dead", enabled=False, since=None)
        for unit in cluster.units(**{name.replace("-", "_"): "inactive" for name in cluster.UNITS})
    )
    snapshot = all_hosts(
        healthy(),
        etcd=down,
        haproxy=down,
        keepalived=down,
        apiserver=down,
        services=Known(bare, NOW),
        addresses=Known((), NOW),
    )
    snapshot = replace(snapshot, leases=Failed("no apiserver answers", NOW))
    (finding,) = findings_of(snapshot)
    assert finding.code == "cluster.not-bootstrapped"
    assert [call.action for call in finding.calls] == ["bootstrap"]
    early = changed(snapshot, 1, lambda facts: replace(facts, services=NotAsked()))
    assert findings_of(early) == ()
    assert health(early, ()) is Health.UNKNOWN
    without_etcd = tuple(unit for unit in bare if unit.name != "etcd")
    partial_answer = changed(snapshot, 1, lambda facts: replace(facts, services=Known(without_etcd, NOW)))
    assert "cluster.not-bootstrapped" not in {finding.code for finding in findings_of(partial_answer)}


def test_nobody_holds_the_vip() -> None:
    snapshot = all_hosts(healthy(), addresses=Known((), NOW), services=Known(cluster.units(keepalived="failed"), NOW))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.severity) == ("vip.unowned", Severity.CRITICAL)
    assert [line.split(",")[0] for line in finding.evidence] == [f"cp{n}: keepalived failed" for n in (1, 2, 3)]


def test_an_owner_not_heard_is_not_an_unowned_vip() -> None:
    assert "vip.unowned" not in {code for code, _ in codes(changed(healthy(), 1, unreachable))}


def test_two_owners_are_a_split() -> None:
    owner = (InterfaceAddress("eth0", "10.99.0.12", 24), InterfaceAddress("eth0", VIP, 24))
    snapshot = changed(
        healthy(),
        2,
        lambda facts: replace(facts, addresses=Known(owner, NOW), keepalived=healthy().hosts[0].keepalived),
    )
    snapshot = changed(snapshot, 2, priority(90))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("vip.split", "10.99.0.100")
    assert finding.summary.startswith("cp1 and cp2 hold")


def priority(value: int) -> Callable[[HostFacts], HostFacts]:
    def change(facts: HostFacts) -> HostFacts:
        keepalived = value_of(facts.keepalived)
        assert keepalived is not None
        (instance,) = keepalived.instances
        return replace(
            facts, keepalived=Known(replace(keepalived, instances=(replace(instance, priority=value),)), NOW)
        )

    return change


def test_a_stopped_apiserver_explains_its_backend() -> None:
    snapshot = healthy()
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, lambda facts: replace(facts, haproxy=Known(seen_down(2), NOW)))
    refused: Failed[ApiserverFacts] = Failed("connection refused on port 6443", NOW, Cause.REFUSED)
    stopped = Known(cluster.units(kube_apiserver="inactive"), NOW)
    snapshot = changed(snapshot, 2, lambda facts: replace(facts, apiserver=refused, services=stopped))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("apiserver.down", "cp2")
    assert "3 of 3 balancers see server cp2 down" in finding.evidence


def seen_down(n: int) -> HaproxyFacts:
    servers = tuple(cluster.server(each, *(("DOWN", "L4CON") if each == n else ())) for each in (1, 2, 3))
    return HaproxyFacts("2.6.12", 3600, (HaproxyBackend("k8s_server_6443", servers),))


def test_a_backend_down_without_another_cause_is_the_only_finding() -> None:
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, haproxy=Known(seen_down(3), NOW)))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("haproxy.backend-down", "cp3")
    assert finding.evidence == ("cp1: k8s_server_6443/cp3 DOWN, check L4CON, for 120 s",)


def test_a_drained_server_is_distinguished_from_a_down_one() -> None:
    drained = replace(cluster.server(3, "DRAIN"), admin_state=AdminState.DRAIN)
    backend = HaproxyBackend("k8s_server_6443", (cluster.server(1), cluster.server(2), drained))
    facts = HaproxyFacts("2.6.12", 1, (backend,))
    snapshot = changed(healthy(), 1, lambda each: replace(each, haproxy=Known(facts, NOW)))
    assert codes(snapshot) == [("haproxy.draining", "cp3")]


def with_third_server(**changes: Any) -> ClusterSnapshot:
    """cp1's haproxy has two servers that are up, and a third with these fields."""
    third = replace(
        cluster.server(3, "MAINT (resolution)", ""), admin_state=AdminState.UNRESOLVED, address="", **changes
    )
    first, second = (replace(cluster.server(n), fqdn="slots.example.org") for n in (1, 2))
    facts = HaproxyFacts("2.6.12", 1, (HaproxyBackend("k8s_server_6443", (first, second, third)),))
    return changed(healthy(), 1, lambda each: replace(each, haproxy=Known(facts, NOW)))


def test_a_server_whose_name_does_not_resolve_was_not_drained_by_hand() -> None:
    (finding,) = [one for one in findings_of(with_third_server(fqdn="cp3.example.org")) if one.subject == "cp3"]
    assert finding.code == "haproxy.unresolved"
    assert finding.summary == "server cp3 has no address on 1 of the balancers: its name does not resolve"
    assert "cp3.example.org" in str(finding.remedies)


def test_a_spare_slot_of_a_template_is_no_finding_while_another_is_up() -> None:
    assert [one for one in findings_of(with_third_server(fqdn="slots.example.org")) if one.subject == "cp3"] == []


@pytest.mark.parametrize(
    ("lease", "code"),
    [
        (cluster.lease("kube-scheduler", age_s=16), "lease.expired"),
        (cluster.lease("kube-scheduler", None), "lease.holder-unknown"),
        (replace(cluster.lease("kube-scheduler"), holder=""), "lease.expired"),
    ],
)
def test_leases(lease: object, code: str) -> None:
    snapshot = replace(healthy(), leases=Known((lease,), NOW))
    assert codes(snapshot) == [(code, "kube-system/kube-scheduler")]


def test_an_expired_lock_goes_back_to_the_component_that_stopped() -> None:
    stopped = Known(cluster.units(kube_scheduler="failed"), NOW)
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, services=stopped))
    snapshot = replace(snapshot, leases=Known((cluster.lease("kube-scheduler", age_s=20),), NOW))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("component.down", "kube-scheduler@cp1")
    assert finding.evidence[-1] == "kube-scheduler has no leader: its lock is expired"


def test_an_owner_whose_haproxy_does_not_run() -> None:
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, services=Known(cluster.units(haproxy="failed"), NOW)))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject, finding.severity) == ("haproxy.down", "cp1", Severity.CRITICAL)
    assert "cp1 holds 10.99.0.100, but its haproxy does not run" in finding.evidence


def test_a_lease_is_judged_at_the_time_it_was_read() -> None:
    read = replace(cluster.lease("kube-scheduler", age_s=9), read_at=NOW)
    for later in (0, 60):
        snapshot = replace(healthy(), leases=Known((read,), NOW))
        assert diagnose(snapshot, INVENTORY, NOW + timedelta(seconds=later)) == ()
    expired = replace(read, read_at=NOW + timedelta(seconds=60))
    (finding,) = diagnose(replace(healthy(), leases=Known((expired,), NOW)), INVENTORY, NOW)
    assert finding.code == "lease.expired"
    assert "last renewed 69 s ago at the time of reading" in finding.evidence[0]


def test_a_check_that_only_connects_misses_an_unready_apiserver() -> None:
    servers = tuple(cluster.server(n, check="L4OK") for n in (1, 2, 3))
    weak = HaproxyFacts("2.6.12", 1, (HaproxyBackend("k8s_server_6443", servers),))
    unready = ApiserverFacts(False, ("etcd",), "v1.20.2")
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, haproxy=Known(weak, NOW)))
    snapshot = changed(snapshot, 2, lambda facts: replace(facts, apiserver=Known(unready, NOW)))
    assert codes(snapshot) == [("haproxy.weak-check", "cp2"), ("apiserver.not-ready", "cp2")]


def test_a_check_that_begins_to_fail_is_not_weak() -> None:
    servers = tuple(cluster.server(n, check="L4CON") for n in (1, 2, 3))
    weak = HaproxyFacts("2.6.12", 1, (HaproxyBackend("k8s_server_6443", servers),))
    unready = ApiserverFacts(False, ("etcd",), "v1.20.2")
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, haproxy=Known(weak, NOW)))
    snapshot = changed(snapshot, 2, lambda facts: replace(facts, apiserver=Known(unready, NOW)))
    assert codes(snapshot) == [("apiserver.not-ready", "cp2")]


def test_checks_of_etcd_that_fail_since_an_etcd_host_is_lost_are_its_consequence() -> None:
    unready = ApiserverFacts(False, ("etcd",), "v1.20.2")
    snapshot = changed(healthy(), 2, lambda facts: replace(facts, apiserver=Known(unready, NOW)))
    assert codes(snapshot) == [("apiserver.not-ready", "cp2")]
    snapshot = changed(snapshot, 3, unreachable)
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("host.unreachable", "cp3")
    assert any("the apiserver on cp2 answers but is not ready" in line for line in finding.evidence)


def test_etcd_servers_that_are_gone() -> None:
    urls = ("https://10.99.0.11:2379", "https://10.99.0.12:2379", "https://10.99.0.99:2379")
    stale = Known(ApiserverFacts(True, (), "v1.20.2", urls), NOW)
    (finding,) = findings_of(changed(healthy(), 1, lambda facts: replace(facts, apiserver=stale)))
    assert finding.code == "apiserver.etcd-servers-stale"
    assert finding.evidence == (
        "no such member: https://10.99.0.99:2379",
        "not in the API server's list: https://10.99.0.13:2379",
    )


@pytest.mark.parametrize(
    ("urls", "evidence"),
    [
        (("https://127.0.0.1:2379",), None),
        (("https://localhost:2379",), None),
        (("https://[::1]:2379", "https://10.99.0.12:2379", "https://10.99.0.13:2379"), None),
        (
            ("https://127.0.0.1:2379", "https://10.99.0.12:2379"),
            ("not in the API server's list: https://10.99.0.13:2379",),
        ),
    ],
)
def test_a_loopback_etcd_server_is_the_member_of_the_same_host(
    urls: tuple[str, ...], evidence: tuple[str, ...] | None
) -> None:
    listed = Known(ApiserverFacts(True, (), "v1.20.2", urls), NOW)
    findings = findings_of(changed(healthy(), 1, lambda facts: replace(facts, apiserver=listed)))
    assert [finding.evidence for finding in findings] == ([evidence] if evidence else [])


def test_a_loopback_etcd_server_without_a_member_there_is_stale() -> None:
    listed = Known(ApiserverFacts(True, (), "v1.20.2", ("https://127.0.0.1:2379",)), NOW)
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, apiserver=listed))
    for n in (1, 2, 3):
        two = Known(replace(cluster.endpoint(n), members=cluster.endpoint(n).members[1:]), NOW)
        snapshot = changed(snapshot, n, lambda facts, two=two: replace(facts, etcd=two))  # type: ignore[misc]
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("etcd.missing-member", "cp1")
    assert "the apiserver on cp1 has an outdated list of etcd servers" in finding.evidence


def test_members_nobody_knows() -> None:
    stranger = replace(cluster.member(1), id=MemberId("a9"), name="old", peer_urls=("https://10.99.0.77:2380",))
    unstarted = replace(cluster.member(2), id=MemberId("a8"), name="", peer_urls=("https://10.99.0.78:2380",))
    members = (*cluster.endpoint(1).members, stranger, unstarted)
    snapshot = healthy()
    for n in (1, 2, 3):
        known = Known(replace(cluster.endpoint(n), members=members), NOW)
        snapshot = changed(snapshot, n, lambda facts, known=known: replace(facts, etcd=known))  # type: ignore[misc]
    assert {("etcd.ghost-member", "a9"), ("etcd.member-unstarted", "a8")} <= set(codes(snapshot))


def test_a_host_that_answers_for_another_cluster() -> None:
    stray = replace(cluster.endpoint(3), cluster_id="c2")
    snapshot = changed(healthy(), 3, lambda facts: replace(facts, etcd=Known(stray, NOW)))
    assert codes(snapshot)[0] == ("etcd.cluster-id-mismatch", "etcd")


def test_alarms_and_sizes() -> None:
    full = replace(
        cluster.endpoint(2),
        db_size_bytes=INVENTORY.etcd.quota_bytes,
        db_in_use_bytes=1 << 20,
        alarms=(EtcdAlarm(MemberId("a2"), "NOSPACE"),),
    )
    snapshot = changed(healthy(), 2, lambda facts: replace(facts, etcd=Known(full, NOW)))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("etcd.nospace", "etcd")
    assert "cp2: 2048 MiB, 1 MiB in use" in finding.evidence
    assert len(finding.evidence) == 3
    quiet = replace(full, alarms=())
    snapshot = changed(healthy(), 2, lambda facts: replace(facts, etcd=Known(quiet, NOW)))
    assert [code for code, _ in codes(snapshot)] == ["etcd.db-near-quota", "etcd.db-fragmented"]


def small(facts: HostFacts) -> HostFacts:
    return replace(facts, disks=Known((DiskSpace("/var/lib/etcd", 1000, 10),), NOW), clock_offset_ms=Known(-900.0, NOW))


def test_disk_and_clock() -> None:
    assert codes(changed(healthy(), 1, small)) == [("host.disk-full", "cp1:/var/lib/etcd"), ("host.clock-skew", "cp1")]


def test_every_finding_has_a_reason_and_remedies() -> None:
    snapshot = changed(changed(healthy(), 1, small), 3, unreachable)
    for finding in findings_of(snapshot):
        assert finding.why
        assert finding.remedies
        assert finding.summary[-1] != "."


def at(offset_ms: float) -> Callable[[HostFacts], HostFacts]:
    return lambda facts: replace(facts, clock_offset_ms=Known(offset_ms, NOW))


def with_clocks(*offsets_ms: float) -> ClusterSnapshot:
    snapshot = healthy()
    for index, offset_ms in enumerate(offsets_ms, start=1):
        snapshot = changed(snapshot, index, at(offset_ms))
    return snapshot


def test_a_clock_off_here_is_one_finding() -> None:
    assert codes(with_clocks(-9000.0, -9010.0, -8990.0)) == [("host.clock-skew", "this machine")]


def test_one_clock_of_several_that_is_off_is_that_hosts() -> None:
    assert codes(with_clocks(0.0, 9000.0, 0.0)) == [("host.clock-skew", "cp2")]


@pytest.mark.parametrize("service", ["keepalived", "haproxy", "kube-scheduler"])
def test_a_stopped_unit_is_fixed_by_its_start(service: str) -> None:
    unit = service.replace("-", "_")
    stopped = cluster.units(**{unit: "inactive"})
    snapshot = changed(healthy(), 2, lambda facts: replace(facts, services=Known(stopped, NOW)))
    (finding,) = findings_of(snapshot)
    assert finding.calls[0].request == {"service": service, "host": "cp2"}
    second = cluster.units(**{unit: "activating"})
    (finding,) = findings_of(changed(healthy(), 2, lambda facts: replace(facts, services=Known(second, NOW))))
    assert finding.calls == ()
