"""One cause is one finding: what follows from it is listed as its evidence."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.diagnosis import candidate
from haconsole.diagnosis.candidate import Candidate, anywhere, collapse_to_root_causes, concerns, on, places_of
from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.etcd import EtcdAlarm
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import ApiserverFacts, DiskSpace, HostFacts, InterfaceAddress
from haconsole.model.names import MemberId
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, etcd_silent, healthy
from tests.unit.diagnosis.test_remedies import REMOVED, certificate, every, having, units, vrrp

URLS = tuple(f"https://10.99.0.1{n}:2379" for n in (1, 2, 3))
NOT_READY = ApiserverFacts(False, ("etcd", "etcd-readiness"), "v1.20.2", URLS)


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def only(snapshot: ClusterSnapshot) -> Finding:
    (finding,) = findings_of(snapshot)
    return finding


def test_one_missing_key_on_this_machine_is_one_finding() -> None:
    snapshot = healthy()
    for n in (1, 2, 3):
        failed: Failed[Any] = Failed(f"cp{n}: the key k cannot be used: no such file", NOW, Cause.KEY_UNUSABLE)
        facts = {name: failed for name, _ in snapshot.hosts[n - 1].facts()}
        snapshot = changed(snapshot, n, partial(replace, **facts))
    snapshot = replace(snapshot, leases=failed)
    finding = only(snapshot)
    assert (finding.code, finding.subject) == ("console.key-unusable", "this machine")
    assert finding.evidence[0] == "the key k cannot be used: no such file"


def removed_member(unit: dict[str, Any] = REMOVED) -> ClusterSnapshot:
    """cp3 was removed from the list, restarted since, and every API server still lists it."""
    members = tuple(cluster.member(n) for n in (1, 2))
    snapshot = healthy()
    for n in (1, 2):
        endpoint = replace(cluster.endpoint(n), members=members)
        snapshot = changed(snapshot, n, having(etcd=endpoint))
    refused: Failed[Any] = Failed("refused", NOW, Cause.REFUSED, asked_from=("cp3",))
    snapshot = changed(snapshot, 3, lambda facts: replace(facts, etcd=refused, services=Known(units(etcd=unit), NOW)))
    stale = ApiserverFacts(True, (), "v1.20.2", URLS)
    return replace(snapshot, hosts=tuple(replace(facts, apiserver=Known(stale, NOW)) for facts in snapshot.hosts))


def test_a_removed_member_that_restarts_is_one_finding() -> None:
    finding = only(removed_member())
    assert (finding.code, finding.subject) == ("etcd.stale-data-dir", "cp3")
    assert "etcd logs: the member has been permanently removed from the cluster" in finding.evidence
    assert "etcd has 2 voters, an even number" in finding.evidence
    assert sum("outdated list of etcd servers" in line for line in finding.evidence) == 3


def test_a_removed_member_is_the_same_finding_in_the_seconds_for_which_it_runs_again() -> None:
    young = {**REMOVED, "active": "active", "pid": 7, "started": NOW - timedelta(seconds=2), "restarts": 1}
    assert only(removed_member(young)).code == "etcd.stale-data-dir"
    steady = {**young, "started": NOW - timedelta(minutes=5)}
    assert "etcd.stale-data-dir" not in [each.code for each in findings_of(removed_member(steady))]


def test_a_full_database_is_one_finding() -> None:
    snapshot = healthy()
    for n in (1, 2, 3):
        full = replace(
            cluster.endpoint(n),
            db_size_bytes=INVENTORY.etcd.quota_bytes,
            alarms=tuple(EtcdAlarm(MemberId(f"a{each}"), "NOSPACE") for each in (1, 2, 3)),
        )
        snapshot = changed(snapshot, n, having(etcd=full, apiserver=NOT_READY))
    expired = (cluster.lease("kube-scheduler", age_s=60), cluster.lease("kube-controller-manager", age_s=60))
    finding = only(replace(snapshot, leases=Known(expired, NOW)))
    assert (finding.code, finding.severity) == ("etcd.nospace", Severity.CRITICAL)


def on_cp2(facts: HostFacts, cause: str) -> HostFacts:
    """A cause on cp2 that takes its member down."""
    if cause == "disk":
        return replace(facts, disks=Known((DiskSpace("/var/lib/etcd", 1000, 10),), NOW))
    if cause == "certificate":
        expired = certificate(host="cp2", not_after=NOW).hosts[0].certificates
        return replace(facts, certificates=expired)
    return replace(facts, services=Known(units(etcd={"active": "active", "process": "T"}), NOW))


@pytest.mark.parametrize(
    ("cause", "code", "subject"),
    [
        ("disk", "host.disk-full", "cp2:/var/lib/etcd"),
        ("certificate", "cert.expired", "cp2:/c.crt"),
        ("freeze", "service.hung", "etcd@cp2"),
    ],
)
def test_a_member_is_down_under_its_cause_with_all_that_follows(cause: str, code: str, subject: str) -> None:
    snapshot = every(lambda facts: on_cp2(etcd_silent(facts), cause), 2)
    if cause == "freeze":
        late: Failed[Any] = Failed("no answer within 2 s", NOW, Cause.TIMED_OUT, asked_from=("cp2",))
        snapshot = changed(snapshot, 2, lambda facts: replace(facts, etcd=late))
    snapshot = changed(snapshot, 2, having(apiserver=NOT_READY))
    finding = only(snapshot)
    assert (finding.code, finding.subject) == (code, subject)
    assert "etcd stops if one more member fails" in finding.evidence
    assert any("is not ready: etcd" in line for line in finding.evidence)


def test_different_vrrp_settings_explain_two_owners() -> None:
    owner = Known((InterfaceAddress("eth0", VIP, 24),), NOW)
    master = healthy().hosts[0].keepalived
    snapshot = changed(
        vrrp(healthy(), router_id=77), 2, lambda facts: replace(facts, addresses=owner, keepalived=master)
    )
    finding = only(snapshot)
    assert (finding.code, finding.severity) == ("vip.config-mismatch", Severity.CRITICAL)
    assert any("at the same time" in line for line in finding.evidence)


def test_a_cause_is_named_by_host_by_path_by_unit_or_anywhere() -> None:
    def candidate(code: str, subject: str, *caused_by: tuple[str, str]) -> Candidate:
        return Candidate(Finding(code, Severity.WARNING, subject, f"{code} {subject}", ""), caused_by)

    for subject in ("cp1", "cp1:/var", "etcd@cp1"):
        (finding,) = collapse_to_root_causes((candidate("a", subject), candidate("b", "x", *on("cp1", "a"))))
        assert (finding.code, finding.evidence) == ("a", ("b x",))
    for subject in ("cp11", "cp11:/var", "etcd@cp11"):
        assert len(collapse_to_root_causes((candidate("a", subject), candidate("b", "x", *on("cp1", "a"))))) == 2
        assert len(collapse_to_root_causes((candidate("a", subject), candidate("b", "x", *anywhere("a"))))) == 1


def test_causes_of_each_other_leave_one() -> None:
    one = Candidate(Finding("a", Severity.WARNING, "x", "a", ""), anywhere("b"))
    other = Candidate(Finding("b", Severity.CRITICAL, "x", "b", ""), anywhere("a"))
    assert len(collapse_to_root_causes((one, other))) == 1


@given(st.text("ab:@*", max_size=6), st.text("ab:@*", max_size=4))
def test_a_subject_concerns_its_places_and_no_others(subject: str, place: str) -> None:
    assert concerns(subject, place) is (place in places_of(subject))


def test_the_causes_of_many_hosts_are_looked_up_and_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred hosts that each explain their neighbour's findings took a tenth of a second."""
    compared: list[str] = []

    def counted(subject: str, place: str) -> bool:
        compared.append(subject)
        return concerns(subject, place)

    monkeypatch.setattr(candidate, "concerns", counted)
    missing = tuple(Candidate(Finding("lost", Severity.WARNING, f"h{n}", "", "")) for n in range(200))
    silent = tuple(
        Candidate(Finding("silent", Severity.WARNING, f"h{n}", "", ""), on(f"h{n}", "lost")) for n in range(200)
    )
    assert len(collapse_to_root_causes((*missing, *silent))) == 200
    assert compared == []
