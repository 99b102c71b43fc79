"""Each setting of `repair` on real hosts: the repair changes it, and the undo of the run restores it as it was."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from haconsole.actions.repair import SETTINGS
from haconsole.lab.drills import break_lab, heal
from haconsole.lab.lab import Lab
from haconsole.lab.spec import Debian
from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]
DROP_INS = "/etc/systemd/system/etcd.service.d"
KEY = "/etc/etcd/pki/peer.key"


@dataclass(frozen=True, slots=True)
class Case:
    """`shows` prints the setting, the drill `scenario` changes it; `target` is the action's."""

    shows: str
    target: str
    scenario: str


CASES = {
    "address": Case("ip -o -4 address show dev lo", "{first}", "address-duplicate"),
    "autostart": Case("systemctl is-enabled etcd || :", "etcd", "etcd-disabled"),
    "drop-ins": Case(f"ls {DROP_INS}", "etcd", "etcd-settings-changed"),
    "firewall": Case("nft list ruleset", "2380", "etcd-peer-port-blocked"),
    "hostname": Case("uname -n", "", "hostname-duplicate"),
    "key-mode": Case(f"stat -c %a {KEY}", KEY, "etcd-key-exposed"),
    "limits": Case("ls /run/systemd/system.control/etcd.service.d", "etcd", "etcd-throttled"),
    "link": Case("cat /sys/class/net/lo/operstate", "lo", "loopback-down"),
    "mtu": Case("cat /sys/class/net/*/mtu", "", "mtu-differs"),
    "read-only": Case("grep ' /var/lib/etcd ' /proc/self/mounts", "/var/lib/etcd", "etcd-data-read-only"),
    "route": Case("ip -4 route show type blackhole", "{first}", "route-blackhole"),
    "sessions": Case("sshd -T | grep maxsessions", "", "sessions-limited"),
}


def test_every_setting_has_a_case() -> None:
    assert set(CASES) == set(SETTINGS)


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return bootstrapped(make_lab_for_session(hosts=3), tmp_path_factory)


@pytest.fixture(scope="module")
def trixie(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return bootstrapped(make_lab_for_session(hosts=1, debian=Debian.TRIXIE), tmp_path_factory)


def bootstrapped(lab: Lab, folders: pytest.TempPathFactory) -> Program:
    program = Program(lab, folders.mktemp("repair"))
    program.events("bootstrap")
    return program


def setting_of(program: Program, host: str, command: str) -> str:
    return program.lab.exec(host, "sh", "-c", command).stdout


def repair_and_undo(program: Program, setting: str, host: str) -> None:
    case = CASES[setting]
    target = case.target.format(first=program.lab.spec.hosts[0].address)
    original = setting_of(program, host, case.shows)
    try:
        break_lab(program.lab, case.scenario, host)
        fault = setting_of(program, host, case.shows)
        assert fault != original or setting == "firewall"
        events = program.events("repair", setting, host, *((target,) if target else ()))
        repaired = setting_of(program, host, case.shows)
        assert repaired != fault
        if setting == "read-only":
            assert "stays writable" in program.verb("undo", str(events[0]["run"]), "--yes").stderr
            return
        program.undo(events)
        assert setting_of(program, host, case.shows) == fault
        repetition = program.events("repair", setting, host, *((target,) if target else ()))
        assert repetition[-1]["outcome"] == "done"
        assert setting_of(program, host, case.shows) == repaired
    finally:
        heal(program.lab)


@pytest.mark.parametrize("setting", CASES)
def test_a_repair_is_undone(cluster: Program, setting: str) -> None:
    repair_and_undo(cluster, setting, "cp3")


@pytest.mark.parametrize("setting", ["autostart", "drop-ins", "firewall", "key-mode", "sessions"])
def test_a_repair_on_debian_13_is_undone(trixie: Program, setting: str) -> None:
    repair_and_undo(trixie, setting, trixie.lab.spec.hosts[0].name)
