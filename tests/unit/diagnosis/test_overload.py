"""A slow host or disk is evidence of a more specific cause on the same host, and never comes before a specific one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.candidate import AT_WORK, BETWEEN_HOSTS, Candidate, collapse_to_root_causes
from haconsole.diagnosis.codes import CODES
from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.events import EventKind, RecentEvents
from haconsole.model.findings import Finding, Severity
from haconsole.model.haproxy import HaproxyBackend, HaproxyFacts
from haconsole.model.hosts import HostFacts, InterfaceAddress
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import PeerPort, PortState
from haconsole.model.unit_setup import FileCondition, Limits, NeededFile, UnitSetup
from haconsole.model.vip import VrrpState
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, etcd_silent, healthy
from tests.unit.diagnosis.test_remedies import HUNG, MASKED, STOPPED, having, units

LATE_PROBES = ("disks", "keepalived", "balancer_files")


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def late(*asked_from: str) -> Failed[Any]:
    return Failed("no answer within 2 s", NOW, Cause.TIMED_OUT, asked_from=asked_from)


def slow(facts: HostFacts, *more: str) -> HostFacts:
    """Unrelated queries of the host were all late."""
    changes: dict[str, Any] = dict.fromkeys((*LATE_PROBES, *more), late())
    return replace(facts, **changes)


def suspended(facts: HostFacts) -> HostFacts:
    return replace(facts, etcd=late("cp2"), services=Known(units(etcd=HUNG), NOW))


def masked(facts: HostFacts) -> HostFacts:
    return having(services=units(haproxy=MASKED))(facts)


def stopped(facts: HostFacts) -> HostFacts:
    refused: Failed[Any] = Failed("refused", NOW, Cause.REFUSED, asked_from=("cp2",))
    return replace(facts, apiserver=refused, services=Known(units(kube_apiserver=STOPPED), NOW))


def refused_only(facts: HostFacts) -> HostFacts:
    """Its services were last read before it stopped."""
    refused: Failed[Any] = Failed("refused", NOW, Cause.REFUSED, asked_from=("cp2",))
    return replace(facts, apiserver=refused)


def starting(facts: HostFacts) -> HostFacts:
    return replace(refused_only(facts), services=Known(units(kube_apiserver={"active": "activating", "pid": 9}), NOW))


def throttled(facts: HostFacts) -> HostFacts:
    setup = UnitSetup("etcd", limits=Limits(throttled_share=0.9))
    return replace(facts, etcd=late("cp2"), unit_setup=Known((setup,), NOW))


def key_unreadable(facts: HostFacts) -> HostFacts:
    key = NeededFile("KEY_FILE", "/etc/etcd/pki/server.key", FileCondition.UNREADABLE)
    return replace(etcd_silent(facts), unit_setup=Known((UnitSetup("etcd", (key,)),), NOW))


def with_address_of_cp1(facts: HostFacts) -> HostFacts:
    own = (InterfaceAddress("eth0", facts.address, 24), InterfaceAddress("lo", "10.99.0.11", 32))
    return replace(facts, addresses=Known(own, NOW))


CAUSES = {
    "service.hung": suspended,
    "service.masked": masked,
    "apiserver.down": stopped,
    "apiserver.down, seen at its port only": refused_only,
    "service.limited": throttled,
    "service.requirement-missing": key_unreadable,
    "host.duplicate-address": with_address_of_cp1,
}


@pytest.mark.parametrize("code", CAUSES)
def test_a_slow_host_is_evidence_of_a_specific_cause_on_it(code: str) -> None:
    (finding,) = findings_of(changed(healthy(), 2, lambda facts: slow(CAUSES[code](facts))))
    assert finding.code == code.partition(",")[0]
    assert "cp2 is slow" in "".join(finding.evidence)


@pytest.mark.parametrize("code", CAUSES)
def test_a_slow_host_comes_after_a_specific_cause_on_another_host(code: str) -> None:
    findings = findings_of(changed(changed(healthy(), 1, slow), 2, CAUSES[code]))
    assert [(one.code, one.subject) for one in findings][1:] == [("host.slow", "cp1")]
    assert findings[0].code == code.partition(",")[0]


def test_an_api_server_that_still_starts_stays_under_its_slow_host() -> None:
    (finding,) = findings_of(changed(healthy(), 2, lambda facts: slow(starting(facts))))
    assert (finding.code, finding.subject) == ("host.slow", "cp2")


def test_a_slow_host_with_worse_consequences_comes_after_a_component_that_is_down() -> None:
    down = Candidate(Finding("component.down", Severity.WARNING, "kube-scheduler@cp2", "down", ""))
    vip = Candidate(Finding("vip.not-serving", Severity.CRITICAL, "vip", "closed", ""), (("host.slow", "cp1"),))
    late = Candidate(Finding("host.slow", Severity.WARNING, "cp1", "slow", ""), overload=True)
    findings = collapse_to_root_causes((late, vip, down))
    assert [(one.code, one.severity) for one in findings] == [
        ("component.down", Severity.WARNING),
        ("host.slow", Severity.CRITICAL),
    ]


def test_a_machine_on_which_everything_is_late_comes_last() -> None:
    snapshot = changed(healthy(), 2, masked)
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, slow)
    assert [one.code for one in findings_of(snapshot)] == ["service.masked", "host.slow"]


def test_a_component_that_only_gives_no_answer_stays_under_its_slow_host() -> None:
    (finding,) = findings_of(changed(healthy(), 2, lambda facts: replace(slow(facts), etcd=late("cp2", "cp1"))))
    assert (finding.code, finding.subject) == ("host.slow", "cp2")


def test_a_latent_problem_of_a_slow_host_is_a_finding_of_its_own() -> None:
    disabled = units(haproxy={"enabled": False})
    findings = findings_of(changed(healthy(), 2, lambda facts: slow(replace(facts, services=Known(disabled, NOW)))))
    assert [one.code for one in findings] == ["host.slow", "service.disabled"]


def test_a_refused_sudo_is_reported_before_the_slow_host() -> None:
    refused: Failed[Any] = Failed("a password is required", NOW, Cause.SUDO_REFUSED)
    findings = findings_of(changed(healthy(), 2, lambda facts: replace(slow(facts), haproxy=refused, lock=refused)))
    assert [one.code for one in findings] == ["probe.failed", "host.slow"]
    assert "sudo refuses" in findings[0].summary
    assert "no answer" not in findings[0].summary


def test_a_slow_disk_is_evidence_of_a_specific_cause_on_its_host() -> None:
    writes = (RecentEvents(EventKind.SLOW_WRITE, tuple(range(95, 0, -10))),)
    snapshot = changed(healthy(), 2, lambda facts: having(events=writes)(suspended(facts)))
    (finding,) = findings_of(snapshot)
    assert finding.code == "service.hung"
    assert "etcd waits for its disk" in "".join(finding.evidence)


def master(facts: HostFacts) -> HostFacts:
    """It is master of the VIP and has it."""
    assert isinstance(facts.keepalived, Known)
    assert isinstance(facts.addresses, Known)
    (instance,) = facts.keepalived.value.instances
    keepalived = replace(facts.keepalived.value, instances=(replace(instance, state=VrrpState.MASTER),))
    return having(keepalived=keepalived, addresses=(*facts.addresses.value, InterfaceAddress("eth0", VIP, 24)))(facts)


def test_an_address_of_another_host_explains_what_fails_between_hosts() -> None:
    isolated = having(etcd=cluster.endpoint(3, leader=None, healthy=False))
    snapshot = changed(healthy(), 3, lambda facts: master(isolated(with_address_of_cp1(facts))))
    silent = (PeerPort("10.99.0.13", 2380, PortState.SILENT), PeerPort("10.99.0.13", 6443, PortState.SILENT))
    down = HaproxyBackend("k8s_server_6443", (cluster.server(1), cluster.server(2), cluster.server(3, "DOWN")))
    snapshot = changed(snapshot, 1, having(peer_ports=silent, haproxy=HaproxyFacts("2.6.12", 1, (down,))))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("host.duplicate-address", "cp3")
    assert len(finding.evidence) == 6


def test_a_host_whose_address_another_one_has_is_unreachable_for_that_reason() -> None:
    snapshot = changed(changed(healthy(), 1, cluster.unreachable), 2, with_address_of_cp1)
    assert [one.code for one in findings_of(snapshot)] == ["host.duplicate-address"]


def test_a_down_file_that_is_added_and_removed_is_part_of_the_flapping() -> None:
    facts = healthy().hosts[0].keepalived
    assert isinstance(facts, Known)
    moves = (RecentEvents(EventKind.MASTER, tuple(range(118, 0, -12))),)
    forced = having(events=moves, keepalived=replace(facts.value, forced_down=True))
    (finding,) = findings_of(changed(healthy(), 1, forced))
    assert finding.code == "vip.flapping"
    other = changed(healthy(), 1, having(events=moves))
    lasting = changed(other, 2, having(keepalived=replace(facts.value, forced_down=True)))
    assert "vip.forced-down" in {one.code for one in findings_of(lasting)}


def test_every_code_in_the_lists_exists() -> None:
    assert set(CODES) >= AT_WORK | set(BETWEEN_HOSTS)
