"""Ports that one host does not reach although they answer elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import PeerPort, PortState
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy, lost

OPEN, SILENT, REFUSED = PortState.OPEN, PortState.SILENT, PortState.REFUSED


def reaching(snapshot: ClusterSnapshot, states: Mapping[tuple[int, int], PortState]) -> ClusterSnapshot:
    """Each host reaches the others' peer ports; `states` has the exceptions by source and target."""
    for source in (1, 2, 3):
        ports = tuple(
            PeerPort(f"10.99.0.1{target}", 2380, states.get((source, target), OPEN))
            for target in (1, 2, 3)
            if target != source
        )
        snapshot = changed(snapshot, source, lambda facts, ports=ports: replace(facts, peer_ports=Known(ports, NOW)))  # type: ignore[misc]
    return snapshot


def leaderless(facts: HostFacts) -> HostFacts:
    assert isinstance(facts.etcd, Known)
    endpoint: EtcdEndpoint = replace(facts.etcd.value, leader_id=None, healthy=False, health_error="no leader")
    return replace(facts, etcd=Known(endpoint, NOW))


def test_open_ports_are_no_finding() -> None:
    assert diagnose(reaching(healthy(), {}), INVENTORY, NOW) == ()


def test_a_port_that_was_tried_before_its_process_ran_is_not_blamed() -> None:
    def restarted(facts: HostFacts) -> HostFacts:
        units = tuple(replace(unit, started=NOW - timedelta(seconds=4)) for unit in cluster.units())
        return replace(facts, services=Known(units, NOW))

    assert diagnose(reaching(changed(healthy(), 3, restarted), {(1, 3): REFUSED}), INVENTORY, NOW) == ()


def test_a_firewall_of_one_host_is_one_finding_about_it() -> None:
    (finding,) = diagnose(reaching(healthy(), {(1, 3): SILENT, (2, 3): SILENT}), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("host.peer-unreachable", "cp3")
    assert finding.evidence == (
        "cp1 → cp3 port 2380: no answer to two attempts",
        "cp2 → cp3 port 2380: no answer to two attempts",
    )


def test_a_member_without_a_leader_behind_a_firewall_is_its_consequence() -> None:
    snapshot = changed(healthy(), 3, leaderless)
    (finding,) = diagnose(reaching(snapshot, {(1, 3): SILENT, (3, 1): SILENT, (3, 2): SILENT}), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("host.peer-unreachable", "cp3")
    assert any("has no leader" in line for line in finding.evidence)


def test_a_lease_that_expires_behind_a_firewall_is_its_consequence() -> None:
    snapshot = replace(healthy(), leases=Known((cluster.lease("kube-scheduler", age_s=60),), NOW))
    (finding,) = diagnose(reaching(snapshot, {(1, 3): SILENT, (2, 3): SILENT}), INVENTORY, NOW)
    assert finding.code == "host.peer-unreachable"
    assert any("kube-scheduler has no leader" in line for line in finding.evidence)


def test_between_two_hosts_the_one_whose_port_is_closed_is_named() -> None:
    (finding,) = diagnose(reaching(healthy(), {(1, 3): REFUSED}), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("host.peer-unreachable", "cp3")


def test_a_stopped_member_and_a_lost_host_are_not_blamed_on_the_network() -> None:
    stopped = reaching(changed(healthy(), 3, etcd_silent), {(1, 3): REFUSED, (2, 3): REFUSED})
    assert [finding.code for finding in diagnose(stopped, INVENTORY, NOW)] == ["etcd.member-down"]
    gone = reaching(changed(healthy(), 3, lost), {(1, 3): SILENT, (2, 3): SILENT})
    assert [finding.code for finding in diagnose(gone, INVENTORY, NOW)] == ["host.unreachable"]
