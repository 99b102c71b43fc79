"""Hosts with what an interrupted init or join left, and hosts that left the cluster and were not reset."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.findings import ActionCall, Finding
from haconsole.model.hosts import HostFacts, ServiceKind
from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.observed import NOT_ASKED, Cause, Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import (
    INVENTORY,
    PODS,
    changed,
    healthy,
    static_pod,
    unit,
    with_kubelet,
    with_pod,
    with_service,
)

FOLDER = "/etc/kubernetes"
JOINING = (f"{FOLDER}/bootstrap-kubelet.conf",)
JOINED = (f"{FOLDER}/kubelet.conf",)


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def calls(finding: Finding) -> list[tuple[str, dict[str, str]]]:
    """The actions that the finding names, with their arguments."""
    return [(one.action, one.request) for one in finding.remedies if isinstance(one, ActionCall)]


def with_files(snapshot: ClusterSnapshot, host: str, *paths: str) -> ClusterSnapshot:
    return with_kubelet(snapshot, host, lambda one: replace(one, kubeadm_files=paths))


def without_node(snapshot: ClusterSnapshot, name: str) -> ClusterSnapshot:
    nodes = value_of(snapshot.nodes) or ()
    return replace(snapshot, nodes=Known(tuple(one for one in nodes if one.name != name), NOW))


def without_member(snapshot: ClusterSnapshot, host: str) -> ClusterSnapshot:
    """The host's etcd was removed and ends at each start."""

    def change(facts: HostFacts) -> HostFacts:
        endpoint = value_of(facts.etcd)
        assert endpoint is not None
        if facts.host == host:
            return replace(facts, etcd=Failed(f"{host}: etcd: refused", NOW, Cause.REFUSED, asked_from=(facts.host,)))
        members = tuple(one for one in endpoint.members if one.name != host)
        return replace(facts, etcd=Known(replace(endpoint, members=members), NOW))

    for facts in snapshot.hosts[:3]:
        snapshot = changed(snapshot, facts.host, change)
    text = "the member has been permanently removed from the cluster"
    pod = replace(
        static_pod("etcd"), running=False, started_at=None, attempt=5, ended_at=NOW - timedelta(seconds=9), log=(text,)
    )
    return with_pod(snapshot, host, pod)


def test_a_worker_whose_join_was_interrupted_is_joined_again() -> None:
    (finding,) = findings_of(with_files(without_node(healthy(), "w1"), "w1", *JOINING))
    assert (finding.code, finding.subject) == ("kubeadm.leftovers", "w1")
    assert "a join was interrupted" in finding.summary
    assert "w1 is not a node of the cluster" in finding.evidence
    assert JOINING[0] in finding.evidence
    assert calls(finding) == [("join", {"host": "w1"})]


def test_a_host_whose_kubelet_is_set_up_and_stopped_and_that_is_no_node() -> None:
    stopped = with_service(without_node(healthy(), "w1"), "w1", unit("kubelet", "inactive"))
    (finding,) = findings_of(with_files(stopped, "w1", *JOINED))
    assert (finding.code, finding.subject) == ("kubeadm.leftovers", "w1")
    assert "does not run" in finding.summary


def test_a_control_plane_that_was_removed_and_not_reset() -> None:
    snapshot = without_member(without_node(healthy(), "cp3"), "cp3")
    of_host = [one for one in findings_of(with_files(snapshot, "cp3", *JOINED)) if "cp3" in one.subject]
    assert [(one.code, one.subject) for one in of_host] == [("kubeadm.leftovers", "cp3")]
    assert f"{FOLDER}/manifests/etcd.yaml" in of_host[0].evidence
    assert calls(of_host[0]) == [("join", {"host": "cp3"})]


def test_a_running_kubelet_whose_node_was_deleted_registers_again() -> None:
    (finding,) = findings_of(with_files(without_node(healthy(), "w1"), "w1", *JOINED))
    assert finding.code == "node.missing"


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one,
        lambda one: replace(one, nodes=Failed("nodes: no answer", NOW, Cause.TIMED_OUT)),
        lambda one: replace(one, nodes=NOT_ASKED),
    ],
)
def test_files_on_a_node_and_on_hosts_of_unknown_nodes(change: Callable[[ClusterSnapshot], ClusterSnapshot]) -> None:
    snapshot = change(with_files(healthy(), "w1", *JOINED, *JOINING))
    assert not any(one.code == "kubeadm.leftovers" for one in findings_of(snapshot))


def test_an_interrupted_init_is_completed_by_bootstrap() -> None:
    (finding,) = findings_of(with_files(healthy(), "cp1", f"{FOLDER}/haconsole-init-unfinished"))
    assert (finding.code, finding.subject) == ("kubeadm.leftovers", "cp1")
    assert calls(finding) == [("bootstrap", {})]


@pytest.mark.parametrize(("heartbeat_s", "expected"), [(3, "node.missing"), (300, "kubeadm.leftovers")])
def test_a_join_under_way_is_no_leftover(heartbeat_s: int, expected: str) -> None:
    claim = LockClaim("t", "ops@desk", 7, "r", "join")
    snapshot = with_files(without_node(healthy(), "w1"), "w1", *JOINING)
    locked = changed(snapshot, "cp1", lambda one: replace(one, lock=Known(HostLock(claim, 40, heartbeat_s), NOW)))
    assert [one.code for one in findings_of(locked)] == [expected]


def test_a_cluster_that_is_not_there_yet_is_made_by_bootstrap() -> None:
    """On hosts for kubeadm too, where bootstrap runs kubeadm init."""
    snapshot = healthy()
    for facts in snapshot.hosts[:3]:
        snapshot = changed(snapshot, facts.host, bare)
    (finding,) = findings_of(replace(snapshot, nodes=NOT_ASKED))
    assert (finding.code, calls(finding)) == ("cluster.not-bootstrapped", [("bootstrap", {})])


def bare(facts: HostFacts) -> HostFacts:
    """The host without any static pod."""
    pods = tuple(replace(unit(name, "inactive", kind=ServiceKind.STATIC_POD), exists=False) for name in PODS)
    units = (unit("kubelet", "inactive", enabled=False), unit("containerd", enabled=True), *pods)
    failed: Failed[EtcdEndpoint] = Failed("etcd: refused", NOW, Cause.REFUSED, asked_from=(facts.host,))
    return replace(facts, services=Known(units, NOW), etcd=failed)
