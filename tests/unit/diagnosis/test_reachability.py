"""Ports that one host does not reach although they answer elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.findings import ActionCall
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import NOT_ASKED, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import PeerPort, PortState, Pressure, SystemFacts
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy, unreachable

OPEN, SILENT, REFUSED = PortState.OPEN, PortState.SILENT, PortState.REFUSED
RAN = NOW - timedelta(hours=1)


def reaching(snapshot: ClusterSnapshot, states: Mapping[tuple[int, int], PortState]) -> ClusterSnapshot:
    """Each host reaches the others' peer ports; `states` has the exceptions by source and target."""
    for source in (1, 2, 3):
        ports = tuple(port(target, states.get((source, target), OPEN)) for target in (1, 2, 3) if target != source)
        snapshot = changed(snapshot, source, lambda facts, ports=ports: replace(facts, peer_ports=Known(ports, NOW)))  # type: ignore[misc]
    return snapshot


def port(target: int, state: PortState, *, process_since: datetime | None = RAN) -> PeerPort:
    return PeerPort(f"10.99.0.1{target}", 2380, state, process_since if state is REFUSED else None)


def etcd_unasked(facts: HostFacts) -> HostFacts:
    return replace(facts, etcd=NOT_ASKED)


def leaderless(facts: HostFacts) -> HostFacts:
    assert isinstance(facts.etcd, Known)
    endpoint: EtcdEndpoint = replace(facts.etcd.value, leader_id=None, healthy=False, health_error="no leader")
    return replace(facts, etcd=Known(endpoint, NOW))


def test_open_ports_are_no_finding() -> None:
    assert diagnose(reaching(healthy(), {}), INVENTORY, NOW) == ()


def refused_by_cp3(process_since: datetime | None, *, tried_at: datetime = NOW) -> ClusterSnapshot:
    """cp1 was refused by cp3, whose process was then read; cp2 reached it."""
    snapshot = reaching(healthy(), {})
    ports = Known((port(2, OPEN), port(3, REFUSED, process_since=process_since)), tried_at)
    return changed(snapshot, 1, lambda facts: replace(facts, peer_ports=ports))


def codes(snapshot: ClusterSnapshot) -> list[str]:
    return [finding.code for finding in diagnose(snapshot, INVENTORY, NOW)]


def test_a_route_that_drops_packets_is_the_cause_of_failures_in_both_directions() -> None:
    states = {(1, 3): PortState.NO_ROUTE, (3, 1): SILENT}
    (finding,) = diagnose(reaching(healthy(), states), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("host.peer-unreachable", "cp1")
    assert finding.summary == "a route of cp1 drops all packets to cp3"
    assert len(finding.evidence) == 2
    first = finding.remedies[0]
    assert isinstance(first, ActionCall)
    assert dict(first.arguments) == {"setting": "route", "host": "cp1", "target": "10.99.0.13"}


def test_a_host_without_local_ports_is_no_matter_of_firewalls() -> None:
    states = {(2, 1): PortState.NO_PORT, (2, 3): PortState.NO_PORT}
    (finding,) = diagnose(reaching(healthy(), states), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("host.peer-unreachable", "cp2")
    assert finding.summary == "cp2 has no local port left for new connections"
    assert len(finding.evidence) == 2
    assert not any("firewall" in remedy.text for remedy in finding.remedies)


def test_a_port_refused_while_its_process_ran_is_found() -> None:
    assert codes(refused_by_cp3(NOW - timedelta(seconds=20))) == ["host.peer-unreachable"]


def test_a_port_refused_while_its_process_restarted_is_not_blamed() -> None:
    assert codes(refused_by_cp3(NOW - timedelta(seconds=4))) == []
    assert codes(refused_by_cp3(NOW + timedelta(seconds=4))) == []


def test_a_port_refused_whose_process_was_not_read_afterwards_is_not_blamed() -> None:
    """An older reading shows it running, but it may have been stopped between that reading and the attempt."""
    assert codes(refused_by_cp3(None)) == []


def test_a_process_on_a_busy_host_has_longer_to_open_its_port() -> None:
    busy = SystemFacts("cp3", "3" * 32, pressure=Pressure(cpu=95.0))
    snapshot = changed(
        refused_by_cp3(NOW - timedelta(seconds=60)), 3, lambda facts: replace(facts, system=Known(busy, NOW))
    )
    assert codes(snapshot) == []


def test_an_answer_from_before_a_restart_proves_no_firewall() -> None:
    """cp2 reached the port before its process was restarted; since then it answers nobody."""
    snapshot = changed(refused_by_cp3(NOW - timedelta(seconds=20)), 3, etcd_unasked)
    earlier = Known((port(1, OPEN), port(3, OPEN)), NOW - timedelta(seconds=50))
    assert codes(changed(snapshot, 2, lambda facts: replace(facts, peer_ports=earlier))) == []
    assert codes(snapshot) == ["host.peer-unreachable"]


def test_the_start_of_a_process_is_compared_by_one_clock() -> None:
    """cp3 is silent; its clock is a minute ahead, and its member was started 5 s before the attempt."""

    def restarted(facts: HostFacts) -> HostFacts:
        started = NOW + timedelta(seconds=55)
        units = tuple(replace(unit, started=started) for unit in cluster.units())
        return replace(facts, services=Known(units, NOW), clock_offset_ms=Known(60_000.0, NOW))

    def codes_if_tried_at(at: datetime) -> list[str]:
        snapshot = changed(reaching(healthy(), {}), 3, restarted)
        ports = Known((port(2, OPEN), port(3, SILENT)), at)
        return codes(changed(snapshot, 1, lambda facts: replace(facts, peer_ports=ports)))

    assert "host.peer-unreachable" not in codes_if_tried_at(NOW)
    assert "host.peer-unreachable" in codes_if_tried_at(NOW + timedelta(seconds=10))


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
    absent = reaching(changed(healthy(), 3, unreachable), {(1, 3): SILENT, (2, 3): SILENT})
    assert [finding.code for finding in diagnose(absent, INVENTORY, NOW)] == ["host.unreachable"]


def test_a_host_that_reports_another_one_unreachable_checks_its_routes_before_firewalls() -> None:
    states = {(2, 1): PortState.UNREACHABLE, (1, 2): SILENT}
    (finding,) = diagnose(reaching(healthy(), states), INVENTORY, NOW)
    first, second = finding.remedies[:2]
    assert first.text.startswith("on cp2: compare ip rule and ip route get ADDRESS")
    assert isinstance(second, ActionCall)
    only_silent = diagnose(reaching(healthy(), {(1, 2): SILENT}), INVENTORY, NOW)
    assert isinstance(only_silent[0].remedies[0], ActionCall)
