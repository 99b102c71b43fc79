"""`repair`: one setting of one host, only where the host reports the problem; each with a check and an undo."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.operations import LeftByUndo, RunCommand, UndoByCommand
from haconsole.actions.repair import SETTINGS, WITH_TARGET
from haconsole.actions.repair_programs import LIMITS
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.model.certificate import Certificate
from haconsole.model.hosts import DiskSpace, HostFacts, InterfaceAddress
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import SystemFacts
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, etcd_silent, healthy, unreachable

OWN = InterfaceAddress("eth0", "10.99.0.12", 24)
KEY = "/etc/etcd/pki/peer.key"


def having(**facts: Any) -> ClusterSnapshot:
    """The second host with these facts."""
    known = {name: Known(value, NOW) for name, value in facts.items()}
    return changed(healthy(), 2, partial(replace, **known))


def size(number: int, mtu: int, snapshot: ClusterSnapshot) -> ClusterSnapshot:
    def with_size(facts: HostFacts) -> HostFacts:
        entries = (InterfaceAddress("eth0", facts.address, 24),)
        system = SystemFacts(facts.host, facts.host, mtu=(("eth0", mtu),))
        return replace(facts, addresses=Known(entries, NOW), system=Known(system, NOW))

    return changed(snapshot, number, with_size)


def exposed() -> ClusterSnapshot:
    names = (HostName("cp2"), "/etc/etcd/pki/peer.crt", "etcd-peer", "CN=x", "CN=ca", "4f", NOW, NOW, (), "f1")
    return having(certificates=(Certificate(*names, is_ca=False, key_path=KEY, key_mode=0o644),))


READ_ONLY = DiskSpace("/var/lib/etcd", 1000, 900, read_only=True, mount="/var/lib")
CASES: dict[str, tuple[ClusterSnapshot, str, tuple[str, ...], tuple[str, ...]]] = {
    "address": (
        having(addresses=(OWN, InterfaceAddress("lo", "10.99.0.11", 32))),
        "10.99.0.11",
        ("ip", "address", "del", "10.99.0.11/32", "dev", "lo"),
        ("ip", "address", "add", "10.99.0.11/32", "dev", "lo"),
    ),
    "autostart": (
        healthy(),
        "haproxy",
        ("systemctl", "enable", "--quiet", "haproxy.service"),
        ("systemctl", "disable", "--quiet", "haproxy.service"),
    ),
    "drop-ins": (healthy(), "etcd", ("rename", "etcd.service"), ("back", "etcd.service")),
    "firewall": (healthy(), "2380", ("accept", "2380"), ("undo", "2380")),
    "hostname": (having(system=SystemFacts("cp1", "m")), "", ("hostname -F /etc/hostname",), ("hostname", "cp1")),
    "key-mode": (exposed(), KEY, ("chmod", "go-rwx", "--", KEY), ("chmod", "644", "--", KEY)),
    "limits": (healthy(), "etcd", ("rename", "etcd.service", LIMITS), ("back", "etcd.service", LIMITS)),
    "link": (
        having(system=SystemFacts("cp2", "m", links_down=(("lo", "down"),))),
        "lo",
        ("ip", "link", "set", "dev", "lo", "up"),
        ("ip", "link", "set", "dev", "lo", "down"),
    ),
    "mtu": (
        size(1, 1500, size(3, 1500, size(2, 900, healthy()))),
        "",
        ("ip", "link", "set", "dev", "eth0", "mtu", "1500"),
        ("ip", "link", "set", "dev", "eth0", "mtu", "900"),
    ),
    "read-only": (having(disks=(READ_ONLY,)), "/var/lib", ("remount", "/var/lib"), ()),
    "route": (healthy(), "10.99.0.11", ("remove", "10.99.0.11"), ("back", "10.99.0.11")),
    "sessions": (healthy(), "", ("ssh-sessions", "allow", "10"), ("ssh-sessions", "undo", "10")),
}
"""For each setting: the state, the target, and some arguments of its command and of its undo."""


def planned(snapshot: ClusterSnapshot, setting: str, target: str = "") -> Plan | Refusal:
    request = {"setting": setting, "host": "cp2", **({"target": target} if target else {})}
    return plan_action("repair", snapshot, INVENTORY, request)


@pytest.mark.parametrize("setting", SETTINGS)
def test_one_step_repairs_a_setting_and_its_undo_reverts_it(setting: str) -> None:
    snapshot, target, words, reverse = CASES[setting]
    plan = planned(snapshot, setting, target)
    assert isinstance(plan, Plan), plan
    (step,) = plan.steps
    assert isinstance(step, Step)
    assert step.host == "cp2"
    assert isinstance(step.operation, RunCommand)
    assert step.verification
    if setting == "read-only":
        assert isinstance(step.undo, LeftByUndo), "a program may write to it by then"
        return
    assert isinstance(step.undo, UndoByCommand)
    assert isinstance(step.undo.operation, RunCommand)
    assert set(words) <= set(step.operation.argv)
    assert set(reverse) <= set(step.undo.operation.argv)
    assert step.undo.verification


@pytest.mark.parametrize("setting", SETTINGS)
def test_it_is_refused_on_a_host_that_cannot_be_reached_and_without_a_target(setting: str) -> None:
    snapshot, target, *_ = CASES[setting]
    assert isinstance(planned(changed(snapshot, 2, unreachable), setting, target), Refusal)
    if setting in WITH_TARGET:
        refusal = planned(snapshot, setting)
        assert isinstance(refusal, Refusal)
        assert f"TARGET is missing ({WITH_TARGET[setting]})" in refusal.reasons[0]


@pytest.mark.parametrize(
    ("setting", "target", "reason"),
    [
        ("address", "10.99.0.12", "it is not another host's address, and not a VIP that was added by hand"),
        ("address", VIP, f"cp2 has no address {VIP}"),
        ("autostart", "nothing", "not a unit of cp2"),
        ("drop-ins", "kubelet", "kube-scheduler, not of kubelet"),
        ("firewall", "all", "neither a port nor vrrp"),
        ("key-mode", "key", "not the absolute path of a private key"),
        ("read-only", "/", "no read-only file system at /"),
    ],
)
def test_what_the_host_does_not_report_is_not_repaired(setting: str, target: str, reason: str) -> None:
    refusal = planned(having(addresses=(OWN,)), setting, target)
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reasons[0]


def test_the_mtu_of_most_hosts_is_kept() -> None:
    refusal = planned(size(1, 1500, size(3, 1500, size(2, 1500, healthy()))), "mtu")
    assert isinstance(refusal, Refusal)
    assert "as on most hosts" in refusal.reasons[0]


def test_a_limit_is_not_removed_by_a_restart_that_would_lose_the_quorum() -> None:
    refusal = planned(changed(healthy(), 3, etcd_silent), "limits", "etcd")
    assert isinstance(refusal, Refusal)
    assert "would lose the quorum" in refusal.reasons[0]
