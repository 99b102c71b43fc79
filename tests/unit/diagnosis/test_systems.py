"""Names that hosts share, neighbour entries of the VIP, configurations that were not loaded, and file systems."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall, Advice, Finding, Severity
from haconsole.model.hosts import ApiserverFacts, DiskSpace, InterfaceAddress
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import ConfigCheck, Neighbour, PeerPort, PortState, ProxyTimeout, SystemFacts, TimeoutKind
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, etcd_silent, healthy
from tests.unit.diagnosis.test_remedies import every, having, units

HAPROXY = "/etc/haproxy/haproxy.cfg"


def hardware(n: int) -> str:
    return f"02:00:00:00:00:0{n}"


def system(n: int, **fields: Any) -> SystemFacts:
    plain = SystemFacts(f"cp{n}", f"machine{n}", 0.5, 2, hardware=(("eth0", hardware(n)),))
    return replace(plain, **fields)


def snapshot(**of_cp2: Any) -> ClusterSnapshot:
    """Healthy, with every host's system; the second one's with other fields."""
    result = healthy()
    for n in (1, 2, 3):
        result = changed(result, n, having(system=system(n, **(of_cp2 if n == 2 else {}))))
    return result


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def only(snapshot: ClusterSnapshot) -> Finding:
    (finding,) = findings_of(snapshot)
    return finding


def test_healthy_systems_have_no_finding() -> None:
    assert findings_of(snapshot(neighbours=(Neighbour(VIP, hardware(1), "REACHABLE"),))) == ()
    assert findings_of(snapshot(files_written=((HAPROXY, NOW - timedelta(hours=2)),))) == ()


def test_two_hosts_of_one_name() -> None:
    finding = only(snapshot(hostname="CP1"))
    assert (finding.code, finding.subject) == ("host.duplicate-name", "cp2")
    assert "cp1 and cp2 have the same hostname cp1" in finding.summary
    assert only(snapshot(machine_id="machine3")).code == "host.duplicate-name"


def test_a_neighbour_entry_with_another_hardware_address_than_the_owners() -> None:
    wrong = (Neighbour(VIP, "02:00:00:00:00:99", "REACHABLE"),)
    finding = only(snapshot(neighbours=wrong))
    assert finding.remedies[0] == ActionCall("announce-vip", (("vip", VIP),), "announce the VIP again from its owner")
    permanent = only(snapshot(neighbours=(replace(wrong[0], state="PERMANENT"),)))
    assert permanent.remedies == (Advice(f"on cp2: ip neighbour flush nud all to {VIP}"),)
    assert (finding.code, finding.subject) == ("vip.stale-arp", "cp2")
    assert findings_of(snapshot(neighbours=(replace(wrong[0], state="FAILED"),))) == ()
    moving = changed(snapshot(neighbours=wrong), 1, lambda facts: replace(facts, addresses_since=NOW))
    assert findings_of(moving) == ()


def test_a_configuration_written_after_the_last_reload() -> None:
    finding = only(snapshot(files_written=((HAPROXY, NOW),)))
    assert (finding.code, finding.subject) == ("service.stale-config", "haproxy@cp2")
    remedy = finding.remedies[0]
    assert isinstance(remedy, ActionCall)
    assert (remedy.action, remedy.request) == ("reconfigure", {"service": "haproxy", "host": "cp2"})


def test_a_broken_configuration_is_the_cause_of_what_is_not_loaded() -> None:
    faults = (ConfigCheck("haproxy", HAPROXY, valid=False, message="unknown keyword 'sever'"),)
    finding = only(
        changed(snapshot(files_written=((HAPROXY, NOW),)), 2, lambda facts: replace(facts, configs=Known(faults, NOW)))
    )
    assert (finding.code, finding.subject) == ("config.invalid", "haproxy@cp2")
    assert "haproxy: unknown keyword 'sever'" in finding.evidence
    stopped = every(having(configs=faults, services=units(haproxy={"active": "failed", "pid": None})), 2)
    assert only(stopped).code == "config.invalid"


def with_timeouts(*timeouts: ProxyTimeout) -> ClusterSnapshot:
    checks = (ConfigCheck("haproxy", HAPROXY, valid=True, timeouts=timeouts),)
    return changed(snapshot(), 2, lambda facts: replace(facts, configs=Known(checks, NOW)))


def test_a_balancer_that_closes_idle_connections_to_the_api() -> None:
    idle = ProxyTimeout(TimeoutKind.IDLE, "api", 1.0, "timeout client 1s")
    finding = only(with_timeouts(idle, ProxyTimeout(TimeoutKind.CONNECT, "api", 4.0, "timeout connect 4s")))
    assert (finding.code, finding.subject) == ("haproxy.short-timeouts", "haproxy@cp2")
    assert "after 1 s without traffic" in finding.summary
    assert finding.evidence == ("api: timeout client 1s",)
    assert isinstance(finding.remedies[0], ActionCall)
    assert findings_of(with_timeouts(replace(idle, seconds=35.0))) == (), "kubeadm's guide has 35s"
    connect = only(with_timeouts(ProxyTimeout(TimeoutKind.CONNECT, "api", 0.005, "timeout connect 5")))
    assert "waits only 0.005 s" in connect.summary


def test_a_read_only_or_full_file_system_takes_its_member_down() -> None:
    data = DiskSpace("/var/lib/etcd", 1000, 900, inodes=1000, free_inodes=900, mount="/var/lib/etcd")
    for change, code in (
        ({"read_only": True}, "host.read-only"),
        ({"free_inodes": 1}, "host.inodes-full"),
        ({"free_bytes": 1}, "host.disk-full"),
    ):
        disks = (replace(data, **change), replace(data, **change, path="/var/lib/etcd/wal"))
        finding = only(every(lambda facts, disks=disks: having(disks=disks)(etcd_silent(facts)), 2))  # type: ignore[misc]
        assert (finding.code, finding.subject, finding.severity) == (code, "cp2:/var/lib/etcd", Severity.CRITICAL)
        assert "etcd member cp2 does not answer" in finding.evidence


def test_an_api_server_with_another_flag() -> None:
    common = (("--service-account-issuer", "https://kubernetes"), ("--service-account-key-file", "/etc/sa.pub"))
    odd = (common[0], ("--service-account-key-file", "/etc/other.pub"))
    result = healthy()
    for n in (1, 2, 3):
        facts = ApiserverFacts(True, (), "v1.20.2", flags=odd if n == 3 else common)
        result = changed(result, n, having(apiserver=facts))
    finding = only(result)
    assert (finding.code, finding.subject) == ("apiserver.flags-differ", "cp3")
    assert finding.evidence == ("cp3: --service-account-key-file is /etc/other.pub; elsewhere /etc/sa.pub",)
    assert cluster.healthy() == healthy()


@pytest.mark.parametrize(
    ("advertised", "reason"),
    [("10.99.0.11", "it is the address of cp1"), ("192.0.2.9", "no interface of the host has it")],
)
def test_an_api_server_that_advertises_a_foreign_address(advertised: str, reason: str) -> None:
    def advertising(address: str) -> ClusterSnapshot:
        flags = (("--advertise-address", address), ("--authorization-mode", "Node,RBAC"))
        return changed(healthy(), 2, having(apiserver=ApiserverFacts(True, (), "v1.20.2", flags=flags)))

    finding = only(advertising(advertised))
    assert (finding.code, finding.subject) == ("apiserver.wrong-address", "cp2")
    assert reason in finding.evidence[0]
    for own in ("10.99.0.12", "0.0.0.0", "::"):
        assert not findings_of(advertising(own))


def test_addresses_of_api_servers_are_not_compared() -> None:
    result = healthy()
    for n in (1, 2, 3):
        facts = ApiserverFacts(True, (), "v1.20.2", flags=(("--advertise-address", f"10.99.0.1{n}"),))
        result = changed(result, n, having(apiserver=facts))
    assert not findings_of(result)


def test_a_host_with_another_hosts_address() -> None:
    both = (InterfaceAddress("eth0", "10.99.0.12", 24), InterfaceAddress("eth0", "10.99.0.13", 24))
    finding = only(changed(healthy(), 2, having(addresses=both)))
    assert (finding.code, finding.subject) == ("host.duplicate-address", "cp2")
    assert "has the address 10.99.0.13, which belongs to cp3" in finding.summary


def test_a_host_with_another_mtu_than_most() -> None:
    same = (("eth0", 1500),)
    sizes = snapshot(mtu=(("eth0", 900),))
    for n in (1, 3):
        sizes = changed(sizes, n, having(system=system(n, mtu=same)))
    finding = only(sizes)
    assert (finding.code, finding.subject) == ("host.mtu-differs", "cp2")
    assert findings_of(snapshot(mtu=same)) == ()
    two_and_two = changed(sizes, 3, having(system=system(3)))
    assert findings_of(two_and_two) == (), "one against one shows no odd one"


def vip_port(*states: PortState, started_s: float = 60) -> ClusterSnapshot:
    """The result of each host's attempt to connect to the VIP's port."""
    result, began = healthy(), NOW - timedelta(seconds=started_s)
    for n, state in enumerate(states, 1):
        read_later = began if state is PortState.REFUSED else None
        result = changed(result, n, having(peer_ports=(PeerPort(VIP, 8443, state, read_later),)))
    since = tuple(replace(unit, started=began) if unit.name == "haproxy" else unit for unit in units())
    return changed(result, 1, having(services=since))


def test_a_vip_whose_port_accepts_no_connection() -> None:
    refused = only(vip_port(*[PortState.REFUSED] * 3))
    assert (refused.code, refused.severity) == ("vip.not-serving", Severity.CRITICAL)
    assert isinstance(refused.remedies[0], ActionCall)
    rejected = only(vip_port(PortState.REJECTED, PortState.REFUSED, PortState.REFUSED))
    assert [type(remedy) for remedy in rejected.remedies] == [ActionCall, Advice]
    assert isinstance(rejected.remedies[0], ActionCall)
    assert rejected.remedies[0].request == {"setting": "firewall", "host": "cp1", "target": "8443"}
    (new, *_) = findings_of(vip_port(PortState.REJECTED, started_s=2))
    assert new.code == "vip.not-serving", "a process listens there already"
    silent = only(vip_port(PortState.OPEN, PortState.SILENT, PortState.OPEN))
    assert (silent.code, silent.severity) == ("vip.not-serving", Severity.WARNING)
    assert "from cp2" in silent.summary
    assert "firewall of cp1" in silent.remedies[1].text
    assert findings_of(vip_port(*[PortState.OPEN] * 3)) == ()
    assert findings_of(vip_port(*[PortState.REFUSED] * 3, started_s=2)) == (), "haproxy has just been started"
    unread = changed(vip_port(PortState.OPEN), 1, having(peer_ports=(PeerPort(VIP, 8443, PortState.REFUSED),)))
    assert findings_of(unread) == (), "haproxy may have been restarted between its reading and the attempt"
