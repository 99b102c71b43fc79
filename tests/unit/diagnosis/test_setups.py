"""Requirements of units, events that repeat, and a keepalived that disagrees with its host's addresses."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.configs.etcd import ClusterState, etcd_env
from haconsole.configs.unit_digests import digest, unit_digests
from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.events import EventKind, RecentEvents
from haconsole.model.findings import ActionCall, Advice, Finding
from haconsole.model.hosts import DiskSpace, InterfaceAddress
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.unit_setup import FileCondition, Limits, NeededFile, UnitSetup
from haconsole.model.vip_view import vip_views
from haconsole.scripts import load_script
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, etcd_silent, healthy
from tests.unit.diagnosis.test_remedies import having

KUBECONFIG = "/etc/kubernetes/scheduler.conf"


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def only(snapshot: ClusterSnapshot) -> Finding:
    (finding,) = findings_of(snapshot)
    return finding


def with_setup(name: str, *files: NeededFile, **fields: Any) -> ClusterSnapshot:
    """Healthy; a unit of cp2 has these files. Its process started an hour ago."""
    started = tuple(replace(unit, started=NOW - timedelta(hours=1)) for unit in cluster.units())
    snapshot = changed(healthy(), 2, having(services=started))
    return changed(snapshot, 2, having(unit_setup=(UnitSetup(name, files, **fields),)))


def file(name: str, path: str = "/f", state: FileCondition = FileCondition.USABLE, **fields: Any) -> NeededFile:
    return NeededFile(name, path, state, **fields)


def test_usable_files_have_no_finding() -> None:
    assert (
        findings_of(with_setup("etcd", file("CERT_FILE"), file("unit-file", written_at=NOW - timedelta(days=1)))) == ()
    )


@pytest.mark.parametrize("state", [state for state in FileCondition if state is not FileCondition.USABLE])
def test_a_file_that_a_running_unit_could_not_use_at_its_next_start(state: FileCondition) -> None:
    finding = only(with_setup("etcd", file("KEY_FILE", "/etc/etcd/pki/server.key", state)))
    assert (finding.code, finding.subject) == ("service.requirement-missing", "etcd@cp2")
    assert "/etc/etcd/pki/server.key" in finding.summary
    assert "next start" in finding.why
    assert finding.remedies[0] == ActionCall(
        "bootstrap", (("only", "etcd"),), "write what is missing, then start etcd where it is stopped"
    )


def test_a_missing_environment_file_of_etcd_is_for_a_person() -> None:
    fault = changed(
        with_setup("etcd", file("environment-file", "/etc/etcd/etcd.env", FileCondition.MISSING)), 2, etcd_silent
    )
    first = only(fault).remedies[0]
    assert not isinstance(first, ActionCall), "bootstrap refuses: it takes the data for another cluster's"
    assert "like another member's" in first.text


def test_a_drop_in_that_was_removed_is_no_requirement() -> None:
    drop_in = file("unit-file", "/etc/systemd/system/etcd.service.d/x.conf", FileCondition.MISSING)
    assert only(with_setup("etcd", drop_in, reload_needed=True)).code == "service.stale-config"


def test_a_missing_file_or_account_explains_a_member_that_is_down() -> None:
    fault = changed(with_setup("etcd", file("CERT_FILE", state=FileCondition.MISSING)), 2, etcd_silent)
    assert only(fault).code == "service.requirement-missing"
    assert any("does not answer" in line for line in only(fault).evidence)
    assert "account etcd" in only(with_setup("etcd", missing_account="etcd")).summary
    other = with_setup("kube-scheduler", file("kubeconfig", state=FileCondition.MISSING))
    assert {one.code for one in findings_of(changed(other, 2, etcd_silent))} == {
        "service.requirement-missing",
        "etcd.member-down",
    }


def test_a_folder_of_a_members_data_that_another_account_owns_is_given_back_and_not_thrown_away() -> None:
    wal = file("member-folder", "/var/lib/etcd/member/wal", FileCondition.UNWRITABLE)
    lines = ("member 8938f5c3eb4c07ff has already been bootstrapped",)
    ended = tuple(
        replace(unit, active="failed", pid=None, lines=lines) if unit.name == "etcd" else unit
        for unit in cluster.units()
    )
    fault = changed(changed(with_setup("etcd", wal), 2, etcd_silent), 2, having(services=ended))
    finding = only(fault)
    assert (finding.code, finding.subject) == ("service.requirement-missing", "etcd@cp2")
    command = "chown -R --reference=/var/lib/etcd /var/lib/etcd/member, then systemctl restart etcd"
    assert finding.remedies == (Advice(f"on cp2: {command}"),)


@pytest.mark.parametrize("folder", ["/srv/members/etcd", "/srv/member", "/srv/member/wal"])
def test_a_data_folder_whose_path_names_members_is_no_folder_inside_of_the_data(folder: str) -> None:
    finding = only(changed(with_setup("etcd", file("DATA_DIR", folder, FileCondition.UNWRITABLE)), 2, etcd_silent))
    assert "chown -R" not in str(finding.remedies)
    inside = file("member-folder", f"{folder}/member/snap", FileCondition.UNWRITABLE)
    (remedy,) = only(changed(with_setup("etcd", inside), 2, etcd_silent)).remedies
    assert f"--reference={folder} {folder}/member," in remedy.text


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another account")
def test_a_data_folder_is_usable_only_with_the_folders_inside(tmp_path: Path) -> None:
    states = load_script("unit-setup").partition("states='")[2].partition("'\neval")[0]
    (tmp_path / "data/member/wal").mkdir(parents=True)
    for place in (tmp_path, *tmp_path.parents[:3], tmp_path / "data", tmp_path / "data/member"):
        place.chmod(place.stat().st_mode | 0o007)
    wal = tmp_path / "data/member/wal"
    outputs = []
    for mode in (0o700, 0o777):
        wal.chmod(mode)
        argv = ("runuser", "-u", "nobody", "--", "sh", "-c", f"{states}; show_states")
        result = subprocess.run(argv, input=f"DATA_DIR {tmp_path}/data\n", capture_output=True, text=True, check=True)
        outputs.append(result.stdout)
    assert outputs == [f"file unwritable member-folder {wal}\n", f"file usable DATA_DIR {tmp_path}/data\n"]


def test_a_program_without_its_mode_is_advice() -> None:
    assert isinstance(only(with_setup("etcd", file("program", state=FileCondition.NOT_EXECUTABLE))).remedies[0], Advice)


@pytest.mark.parametrize(
    ("name", "action"),
    [("unit-file", "bootstrap"), ("environment-file", "bootstrap"), ("service-account-private-key-file", "restart")],
)
def test_a_file_that_is_loaded_only_at_the_start(name: str, action: str) -> None:
    finding = only(with_setup("kube-controller-manager", file(name, written_at=NOW - timedelta(minutes=1))))
    assert (finding.code, finding.subject) == ("service.stale-config", "kube-controller-manager@cp2")
    assert isinstance(finding.remedies[0], ActionCall)
    assert finding.remedies[0].action == action


def test_certificates_that_are_loaded_again_are_not_stale() -> None:
    later = NOW - timedelta(minutes=1)
    assert findings_of(with_setup("kube-apiserver", file("tls-cert-file", written_at=later))) == ()
    assert findings_of(with_setup("etcd", file("CERT_FILE", written_at=later))) == ()
    control = "/run/systemd/system.control/etcd.service.d/50-CPUQuota.conf"
    assert findings_of(with_setup("etcd", file("unit-file", control, written_at=later))) == ()
    assert only(with_setup("etcd", reload_needed=True)).code == "service.stale-config"


@pytest.mark.parametrize(
    "limits",
    [
        Limits(throttled_share=0.4),
        Limits(memory_bytes=100, memory_used_bytes=99),
        Limits(memory_bytes=100, memory_used_bytes=10, memory_kills=1),
        Limits(tasks=10, tasks_used=10),
    ],
)
def test_a_limit_that_is_reached(limits: Limits) -> None:
    assert only(with_setup("etcd", limits=limits)).code == "service.limited"
    assert findings_of(with_setup("etcd", limits=Limits(0.1, 100, 50, 0, 10, 5))) == ()


def test_a_drop_in_that_may_set_the_limit_is_renamed_by_the_first_remedy() -> None:
    limits, drop_in = Limits(throttled_share=0.9), "/run/systemd/system.control/etcd.service.d/50-CPUQuota.conf"
    assert only(with_setup("etcd", limits=limits)).calls == ()
    own = file("unit-file", "/etc/systemd/system/etcd.service.d/haconsole.conf", digest="5f")
    assert only(with_setup("etcd", own, limits=limits)).calls == ()
    finding = only(with_setup("etcd", file("unit-file", drop_in), limits=limits))
    assert isinstance(finding.remedies[0], ActionCall)
    assert finding.remedies[0].request == {"setting": "limits", "host": "cp2", "target": "etcd"}
    assert any(drop_in in line for line in finding.evidence)


@pytest.mark.parametrize(
    ("server", "wrong"),
    [
        ("https://10.99.0.12:6443", False),
        ("https://10.99.0.100:8443", False),
        ("https://127.0.0.1:6443", False),
        ("https://api.example.com:443", False),
        ("https://10.99.0.12:6444", True),
        ("https://10.99.0.77:6443", True),
        ("http://10.99.0.12:6443", True),
    ],
)
def test_the_server_of_a_kubeconfig(server: str, wrong: bool) -> None:
    findings = findings_of(with_setup("kube-scheduler", file("kubeconfig", KUBECONFIG, servers=(server,))))
    assert [one.code for one in findings] == (["component.kubeconfig-wrong"] if wrong else [])


def own_files(digest_of_env: str) -> tuple[NeededFile, ...]:
    text = unit_digests(INVENTORY, INVENTORY.hosts[1])
    return (
        file("unit-file", "/etc/systemd/system/etcd.service", digest=text["/etc/systemd/system/etcd.service"]),
        file("environment-file", "/etc/etcd/etcd.env", digest=digest_of_env or text["/etc/etcd/etcd.env"]),
    )


def test_a_failing_unit_whose_settings_were_changed_is_written_again() -> None:
    changed_by_hand = with_setup("etcd", *own_files("another"))
    assert findings_of(changed_by_hand) == (), "it works"
    finding = only(changed(changed_by_hand, 2, etcd_silent))
    assert (finding.code, finding.subject) == ("service.changed-settings", "etcd@cp2")
    assert isinstance(finding.remedies[0], ActionCall)
    assert any("does not answer" in line for line in finding.evidence)
    assert only(changed(with_setup("etcd", *own_files("")), 2, etcd_silent)).code == "etcd.member-down"


def test_the_initial_cluster_is_no_changed_setting() -> None:
    text = etcd_env(INVENTORY, INVENTORY.hosts[1])
    joined = etcd_env(INVENTORY, INVENTORY.hosts[1], state=ClusterState.EXISTING, members=(("cp1", "https://x:2380"),))
    assert text != joined
    assert digest(text) == digest(joined)
    assert digest(text) != digest(text.replace("ETCD_NAME=", "ETCD_NAME=other"))


def test_a_known_text_does_not_displace_the_action_that_writes_the_file() -> None:
    snapshot = changed(with_setup("etcd", *own_files("another")), 2, etcd_silent)
    logs = tuple(
        replace(unit, lines=("unknown flag: --x",)) if unit.name == "etcd" else unit
        for unit in cluster.units(etcd="inactive")
    )
    finding = only(changed(snapshot, 2, having(services=logs)))
    assert isinstance(finding.remedies[0], ActionCall)
    assert finding.why.startswith("The program does not know one of its flags.")


def events(kind: EventKind, *ages: int) -> ClusterSnapshot:
    return changed(healthy(), 2, having(events=(RecentEvents(kind, ages),)))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (EventKind.MASTER, "vip.flapping"),
        (EventKind.ELECTED, "etcd.leader-flapping"),
        (EventKind.ACQUIRED, "lease.churn"),
        (EventKind.FOREIGN_ADVERT, "vip.vrid-collision"),
        (EventKind.SLOW_WRITE, "etcd.slow-disk"),
    ],
)
def test_an_event_that_repeats(kind: EventKind, code: str) -> None:
    assert [one.code for one in findings_of(events(kind, *range(95, 0, -10)))] == [code]
    assert findings_of(events(kind, 60, 30, 5)) == ()
    assert findings_of(events(kind, *range(145, 35, -10))) == (), "it has stopped"
    assert findings_of(events(kind, *range(299, 185, -10), 5)) == (), "most are long ago"


def test_a_master_without_the_address_is_the_cause_of_a_vip_without_owner() -> None:
    own = (InterfaceAddress("eth0", "10.99.0.11", 24),)
    finding = only(changed(healthy(), 1, having(addresses=own)))
    assert (finding.code, finding.subject) == ("vip.not-master", "cp1")
    assert finding.remedies[0].text.startswith("restart keepalived")
    assert any("no host holds" in line for line in finding.evidence)


def test_an_address_of_a_backup_is_the_cause_of_two_owners() -> None:
    both = (InterfaceAddress("eth0", "10.99.0.12", 24), InterfaceAddress("eth0", VIP, 24))
    finding = only(changed(healthy(), 2, having(addresses=both)))
    assert (finding.code, finding.subject) == ("vip.not-master", "cp2")
    assert finding.calls[0].request == {"setting": "address", "host": "cp2", "target": VIP}


def test_a_state_that_may_be_older_than_a_move_is_not_judged() -> None:
    both = (InterfaceAddress("eth0", "10.99.0.12", 24), InterfaceAddress("eth0", VIP, 24))
    moved = changed(healthy(), 2, lambda facts: replace(facts, addresses=Known(both, NOW), addresses_held_since=NOW))
    assert "vip.not-master" not in {one.code for one in findings_of(moved)}


def test_two_owners_count_once_a_second_look_confirms_them() -> None:
    owner = healthy().hosts[0]
    both = changed(healthy(), 2, lambda facts: replace(facts, addresses=owner.addresses, addresses_held_since=NOW))
    (view,) = vip_views(both)
    assert (view.state, view.owners) == ("unknown", (HostName("cp1"), HostName("cp2")))
    later = Known(owner.addresses.value, NOW + timedelta(seconds=1)) if isinstance(owner.addresses, Known) else None
    confirmed = changed(both, 2, lambda facts: replace(facts, addresses=later or facts.addresses))
    assert vip_views(confirmed)[0].state == "split"


def test_a_folder_that_cannot_be_written_is_part_of_its_read_only_file_system() -> None:
    folder = file("DATA_DIR", "/var/lib/etcd", FileCondition.UNWRITABLE)
    disk = DiskSpace("/var/lib/etcd", 1000, 900, read_only=True, mount="/var/lib/etcd")
    read_only = changed(with_setup("etcd", folder), 2, having(disks=(disk,)))
    assert only(read_only).code == "host.read-only"
    missing = changed(with_setup("etcd", replace(folder, state=FileCondition.MISSING)), 2, having(disks=(disk,)))
    assert {one.code for one in findings_of(missing)} == {"host.read-only", "service.requirement-missing"}
