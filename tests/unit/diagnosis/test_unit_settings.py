"""Settings of drop-ins and unit files that haconsole did not write, as the cause of what a unit does not do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.configs.unit_digests import unit_digests
from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall, Advice, Finding
from haconsole.model.haproxy import HaproxyFacts
from haconsole.model.hosts import HostFacts, InterfaceAddress
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.provenance import ManagedFile, Owner
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.unit_setup import FileCondition, Limits, NeededFile, UnitSetup
from haconsole.model.vip import KeepalivedFacts, VrrpState
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy
from tests.unit.diagnosis.test_remedies import having

FOREIGN = "/etc/systemd/system/{}.service.d/zz.conf"


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def only(snapshot: ClusterSnapshot) -> Finding:
    (finding,) = findings_of(snapshot)
    return finding


def own_file(name: str) -> NeededFile:
    """The file of the unit that has haconsole's mark."""
    path = f"/etc/systemd/system/{name}.service"
    if name in ("haproxy", "keepalived"):
        return NeededFile("unit-file", f"{path}.d/haconsole.conf", FileCondition.USABLE, digest="5f")
    return NeededFile("unit-file", path, FileCondition.USABLE, digest=unit_digests(INVENTORY, INVENTORY.hosts[1])[path])


def with_drop_in(name: str, *settings: str, active: str = "active", result: str = "", **fields: object) -> HostFacts:
    """cp2, on which a drop-in has the settings; the unit is in this state."""
    facts = healthy().hosts[1]
    drop_in = NeededFile("unit-file", FOREIGN.format(name), FileCondition.USABLE, settings=settings)
    files = (own_file(name), drop_in, *fields.pop("files", ()))  # type: ignore[misc]
    started = NOW - timedelta(hours=1)
    services = tuple(
        replace(unit, active=active, result=result, pid=100 if active == "active" else None, started=started)
        if unit.name == name
        else unit
        for unit in cluster.units()
    )
    setup = UnitSetup(name, files, **fields)  # type: ignore[arg-type]
    facts = replace(facts, services=Known(services, NOW), unit_setup=Known((setup,), NOW))
    return etcd_down(facts) if name == "etcd" and active != "active" else facts


def etcd_down(facts: HostFacts) -> HostFacts:
    silent = etcd_silent(facts)
    return replace(silent, services=facts.services)


def of_cp2(facts: HostFacts) -> ClusterSnapshot:
    return changed(healthy(), 2, lambda _: facts)


REVERT = {"setting": "drop-ins", "host": "cp2"}


@pytest.mark.parametrize(
    ("name", "setting", "effect"),
    [
        ("keepalived", "PrivateNetwork=yes", "has no network"),
        ("haproxy", "PrivateNetwork=true", "has no network"),
        ("etcd", "IPAddressDeny=any", "may not send or receive packets"),
        ("kube-scheduler", "RestrictAddressFamilies=AF_UNIX", "may not open network sockets"),
        ("kube-apiserver", "RestrictAddressFamilies=~AF_INET AF_INET6", "may not open network sockets"),
    ],
)
@pytest.mark.parametrize("active", ["active", "failed"])
def test_a_unit_without_network_cannot_work_whether_it_runs_or_not(
    name: str, setting: str, effect: str, active: str
) -> None:
    facts = with_drop_in(name, setting, active=active, result="" if active == "active" else "exit-code")
    if active == "active" and name in ("etcd", "kube-apiserver"):
        assert findings_of(of_cp2(facts)) == (), "it answers, so the kernel does not apply the setting"
        return
    finding = only(of_cp2(facts))
    assert (finding.code, finding.subject) == ("service.changed-settings", f"{name}@cp2")
    assert effect in finding.summary
    assert finding.evidence[0] == f"{FOREIGN.format(name)} sets {setting}"
    assert finding.calls[0].request == {**REVERT, "target": name}


@pytest.mark.parametrize(
    "setting",
    [
        "PrivateNetwork=no",
        "IPAddressDeny=10.0.0.0/8",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "ReadOnlyPaths=/var/lib/other",
        "User=other",
        "Environment=ETCD_MAX_REQUEST_BYTES",
    ],
)
def test_a_drop_in_of_a_unit_that_works_is_no_finding(setting: str) -> None:
    assert findings_of(of_cp2(with_drop_in("etcd", setting))) == ()


def test_a_setting_that_holds_from_the_next_start_on_has_no_effect_yet() -> None:
    facts = with_drop_in("keepalived", "PrivateNetwork=yes")
    assert isinstance(facts.unit_setup, Known)
    (setup,) = facts.unit_setup.value
    files = tuple(replace(file, written_at=NOW - timedelta(minutes=1)) for file in setup.files)
    later = replace(facts, unit_setup=Known((replace(setup, files=files),), NOW))
    assert [one.code for one in findings_of(of_cp2(later))] == ["service.stale-config"]


@pytest.mark.parametrize(
    ("setting", "cause"),
    [
        ("ReadOnlyPaths=/var/lib", "cannot write to /var/lib/etcd"),
        ("InaccessiblePaths=-/etc/etcd", "cannot use /etc/etcd/pki/server.key"),
        ("TemporaryFileSystem=/var/lib/etcd:ro", "cannot use /var/lib/etcd"),
        ("ReadOnlyPaths=/etc", ""),
    ],
)
def test_a_folder_that_a_setting_takes_away(setting: str, cause: str) -> None:
    files = (
        NeededFile("ETCD_DATA_DIR", "/var/lib/etcd", FileCondition.USABLE),
        NeededFile("ETCD_KEY_FILE", "/etc/etcd/pki/server.key", FileCondition.USABLE),
    )
    snapshot = of_cp2(with_drop_in("etcd", setting, active="failed", result="exit-code", files=files))
    assert cause in only(snapshot).summary
    assert bool(cause) or "fails" in only(snapshot).summary


@pytest.mark.parametrize(
    ("setting", "result", "code"),
    [
        ("PrivateTmp=yes", "exit-code", "etcd.member-down"),
        ("LimitNOFILE=1048576", "exit-code", "etcd.member-down"),
        ("Environment=GOMAXPROCS TZ", "exit-code", "etcd.member-down"),
        ("LimitNOFILE=64", "exit-code", "service.changed-settings"),
        ("Environment=HTTPS_PROXY", "exit-code", "service.changed-settings"),
        ("ExecStart=/usr/bin/etcd", "exit-code", "service.changed-settings"),
        ("User=nobody", "exit-code", "service.changed-settings"),
        ("User=nobody", "", "etcd.member-down"),
        ("ConditionPathExists=/nowhere", "", "service.changed-settings"),
    ],
)
def test_only_a_setting_that_can_do_it_is_the_cause_of_a_failure(setting: str, result: str, code: str) -> None:
    active = "failed" if result else "inactive"
    finding = only(of_cp2(with_drop_in("etcd", setting, active=active, result=result)))
    assert finding.code == code


def test_the_summary_names_a_setting_with_a_value() -> None:
    settings = ("ExecStart=", "ExecStart=/opt/etcd")
    finding = only(of_cp2(with_drop_in("etcd", *settings, active="failed", result="exit-code")))
    assert "its unit has ExecStart=/opt/etcd, " in finding.summary


def test_the_account_of_a_drop_in_comes_before_the_files_that_it_cannot_use() -> None:
    key = NeededFile("ETCD_KEY_FILE", "/etc/etcd/pki/server.key", FileCondition.UNREADABLE)
    failed = with_drop_in("etcd", "User=nobody", active="activating", result="exit-code", files=(key,))
    finding = only(of_cp2(failed))
    assert (finding.code, finding.subject) == ("service.changed-settings", "etcd@cp2")
    assert finding.calls[0].request == {**REVERT, "target": "etcd"}
    waiting = only(of_cp2(with_drop_in("etcd", "User=nobody", files=(key,))))
    assert waiting.code == "service.requirement-missing"
    assert waiting.calls[0].request == {**REVERT, "target": "etcd"}


def test_a_file_that_is_gone_is_not_the_accounts_fault() -> None:
    key_file = NeededFile("ETCD_KEY_FILE", "/etc/etcd/pki/server.key", FileCondition.MISSING)
    finding = only(of_cp2(with_drop_in("etcd", "User=nobody", active="failed", result="exit-code", files=(key_file,))))
    assert finding.code == "service.requirement-missing"
    assert finding.remedies[0] != ActionCall("repair", tuple(REVERT.items()), "")
    assert finding.calls[0].action == "bootstrap"


def test_a_limit_that_is_reached_names_its_number() -> None:
    facts = with_drop_in(
        "etcd", "MemoryMax=10M", active="activating", result="oom-kill", limits=Limits(memory_bytes=10, memory_kills=3)
    )
    assert only(of_cp2(facts)).code == "service.limited"


def test_a_vip_without_owner_and_keepalived_in_fault_are_consequences() -> None:
    failed = with_drop_in("keepalived", "PrivateNetwork=yes", active="failed", result="exit-code")
    snapshot = of_cp2(failed)
    unowned = changed(snapshot, 1, having(addresses=(InterfaceAddress("eth0", "10.99.0.11", 24),)))
    unowned = changed(unowned, 1, having(keepalived=KeepalivedFacts("2.2.7", ())))
    finding = only(unowned)
    assert (finding.code, finding.severity) == ("service.changed-settings", "critical")
    assert any("no host holds" in line for line in finding.evidence)
    fault = replace(failed, keepalived=Known(in_fault(healthy().hosts[1]), NOW))
    assert [one.code for one in findings_of(of_cp2(fault))] == ["service.changed-settings"]


def test_the_port_of_keepaliveds_check_is_compared_where_haproxys_file_was_changed() -> None:
    facts = healthy().hosts[1]
    files = tuple(replace(one, owner=Owner.CHANGED) if one.path == cluster.FILES[0] else one for one in own_files())
    fault = replace(facts, keepalived=Known(in_fault(facts), NOW))
    finding = findings_of(of_cp2(replace(fault, balancer_files=Known(files, NOW))))[0]
    assert (finding.code, finding.subject) == ("vip.fault", "cp2")
    assert "Compare its frontend on 127.0.0.1:" in finding.remedies[0].text
    assert "Compare its frontend" not in str(findings_of(of_cp2(fault))[0].remedies)


def own_files() -> tuple[ManagedFile, ...]:
    return cluster.balancer_files(Owner.OURS)


def in_fault(facts: HostFacts) -> KeepalivedFacts:
    assert isinstance(facts.keepalived, Known)
    instances = tuple(replace(one, state=VrrpState.FAULT) for one in facts.keepalived.value.instances)
    return replace(facts.keepalived.value, instances=instances)


def test_a_balancer_that_sees_no_server_is_a_consequence() -> None:
    facts = with_drop_in("haproxy", "PrivateNetwork=yes")
    assert isinstance(facts.haproxy, Known)
    backends = tuple(
        replace(one, servers=tuple(replace(server, status="DOWN", check="L4CON") for server in one.servers))
        for one in facts.haproxy.value.backends
    )
    blind = replace(facts, haproxy=Known(HaproxyFacts("2.6.12", 3600, backends), NOW))
    finding = only(of_cp2(blind))
    assert (finding.code, finding.subject) == ("service.changed-settings", "haproxy@cp2")
    late: Failed[Any] = Failed("cp2: no answer within 6 s", NOW, Cause.TIMED_OUT)
    slow = replace(blind, unit_setup=late, keepalived=late)
    assert [one.code for one in findings_of(of_cp2(slow))] == ["haproxy.backend-down", "host.slow"], (
        "refused connections are no work of a slow host"
    )


def test_a_unit_file_in_place_of_the_packages_is_moved_away_by_hand() -> None:
    facts = with_drop_in("keepalived", active="failed", result="exit-code")
    file = NeededFile(
        "unit-file", "/etc/systemd/system/keepalived.service", FileCondition.USABLE, settings=("ExecStart=/opt/k",)
    )
    setup = UnitSetup("keepalived", (file, own_file("keepalived")))
    finding = only(of_cp2(replace(facts, unit_setup=Known((setup,), NOW))))
    assert finding.code == "service.changed-settings"
    assert isinstance(finding.remedies[0], Advice)
    assert "move /etc/systemd/system/keepalived.service away" in finding.remedies[0].text


def test_a_drop_in_that_applies_to_more_units_is_corrected_by_hand() -> None:
    facts = with_drop_in("keepalived", active="failed", result="exit-code")
    path = "/etc/systemd/system/service.d/all.conf"
    file = NeededFile("unit-file", path, FileCondition.USABLE, settings=("PrivateNetwork=yes",))
    setup = UnitSetup("keepalived", (file, own_file("keepalived")))
    finding = only(of_cp2(replace(facts, unit_setup=Known((setup,), NOW))))
    assert (finding.code, finding.calls) == ("service.changed-settings", ())
    assert f"correct {path}" in finding.remedies[0].text


def test_units_of_somebody_else_are_not_judged() -> None:
    facts = with_drop_in("keepalived", "PrivateNetwork=yes", active="failed", result="exit-code")
    assert isinstance(facts.unit_setup, Known)
    (setup,) = facts.unit_setup.value
    unmarked = replace(setup, files=tuple(replace(file, digest="") for file in setup.files))
    codes = [one.code for one in findings_of(of_cp2(replace(facts, unit_setup=Known((unmarked,), NOW))))]
    assert codes == ["keepalived.down"]
    unknown = replace(facts, unit_setup=Failed("cp2: unit_setup: no answer", NOW, Cause.TIMED_OUT))
    assert "service.changed-settings" not in {one.code for one in findings_of(of_cp2(unknown))}
