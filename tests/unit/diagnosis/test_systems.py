"""Names that hosts share, neighbour entries of the VIP, configurations that were not loaded, and file systems."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall, Finding, Severity
from haconsole.model.hosts import ApiserverFacts, DiskSpace
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import ConfigCheck, Neighbour, SystemFacts
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
    found = healthy()
    for n in (1, 2, 3):
        found = changed(found, n, having(system=system(n, **(of_cp2 if n == 2 else {}))))
    return found


def found(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def only(snapshot: ClusterSnapshot) -> Finding:
    (finding,) = found(snapshot)
    return finding


def test_healthy_systems_have_no_finding() -> None:
    assert found(snapshot(neighbours=(Neighbour(VIP, hardware(1), "REACHABLE"),))) == ()
    assert found(snapshot(written=((HAPROXY, NOW - timedelta(hours=2)),))) == ()


def test_two_hosts_of_one_name() -> None:
    finding = only(snapshot(hostname="CP1"))
    assert (finding.code, finding.subject) == ("host.duplicate-name", "cp2")
    assert "cp1 and cp2 have the same hostname cp1" in finding.summary
    assert only(snapshot(machine_id="machine3")).code == "host.duplicate-name"


def test_a_neighbour_entry_with_another_hardware_address_than_the_owners() -> None:
    wrong = (Neighbour(VIP, "02:00:00:00:00:99", "REACHABLE"),)
    finding = only(snapshot(neighbours=wrong))
    assert (finding.code, finding.subject) == ("vip.stale-arp", "cp2")
    assert found(snapshot(neighbours=(replace(wrong[0], state="FAILED"),))) == ()
    moving = changed(snapshot(neighbours=wrong), 1, lambda facts: replace(facts, addresses_since=NOW))
    assert found(moving) == ()


def test_a_configuration_written_after_the_last_reload() -> None:
    finding = only(snapshot(written=((HAPROXY, NOW),)))
    assert (finding.code, finding.subject) == ("service.stale-config", "haproxy@cp2")
    remedy = finding.remedies[0]
    assert isinstance(remedy, ActionCall)
    assert (remedy.action, remedy.request) == ("reconfigure", {"service": "haproxy", "host": "cp2"})


def test_a_broken_configuration_is_the_cause_of_what_is_not_loaded() -> None:
    broken = (ConfigCheck("haproxy", HAPROXY, valid=False, message="unknown keyword 'sever'"),)
    finding = only(
        changed(snapshot(written=((HAPROXY, NOW),)), 2, lambda facts: replace(facts, configs=Known(broken, NOW)))
    )
    assert (finding.code, finding.subject) == ("config.invalid", "haproxy@cp2")
    assert "haproxy: unknown keyword 'sever'" in finding.evidence
    stopped = every(having(configs=broken, services=units(haproxy={"active": "failed", "pid": None})), 2)
    assert only(stopped).code == "config.invalid"


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
    found = healthy()
    for n in (1, 2, 3):
        facts = ApiserverFacts(True, (), "v1.20.2", flags=odd if n == 3 else common)
        found = changed(found, n, having(apiserver=facts))
    finding = only(found)
    assert (finding.code, finding.subject) == ("apiserver.flags-differ", "cp3")
    assert finding.evidence == ("cp3: --service-account-key-file is /etc/other.pub; elsewhere /etc/sa.pub",)
    assert cluster.healthy() == healthy()
