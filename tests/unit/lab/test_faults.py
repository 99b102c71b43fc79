"""The components that each drill breaks."""

from __future__ import annotations

import json

import pytest

from haconsole.lab.drills import drawn_faults, leads
from haconsole.lab.errors import LabError
from haconsole.lab.faults import SCENARIOS, Scene

THREE = ("cp1", "cp2", "cp3")
STANDING = Scene(THREE, vip_owner="cp2", etcd_leader="cp3", scheduler="cp1")


@pytest.mark.parametrize(
    ("scenario", "components"),
    [
        ("etcd-member-down", ["cp2: etcd is stopped"]),
        ("etcd-leader-killed", ["cp3: etcd was killed, its supervisor starts it again"]),
        ("quorum-lost", ["cp2: etcd is stopped", "cp3: etcd is stopped"]),
        ("keepalived-stopped", ["cp2: keepalived is stopped"]),
        ("vip-split", [f"{name}: its VRRP adverts are dropped" for name in THREE]),
        ("haproxy-stopped", ["cp2: haproxy is stopped"]),
        ("apiserver-down", ["cp3: kube-apiserver is stopped"]),
        ("scheduler-killed", ["cp1: kube-scheduler was killed, its supervisor starts it again"]),
        ("host-down", ["cp3: its power is cut"]),
        ("host-cut-off", ["cp3: no packet from or to this host arrives"]),
        ("vip-added-by-hand", ["cp3: the VIP was added by hand, outside keepalived"]),
        ("vip-port-blocked", ["cp2: its firewall rejects connections to haproxy's port 8443"]),
        ("etcd-throttled", ["cp2: etcd is throttled to 2 % of a CPU"]),
        ("mtu-differs", ["cp2: the MTU of its interface is 900"]),
    ],
)
def test_each_scenario_breaks_its_components(scenario: str, components: list[str]) -> None:
    assert [str(fault) for fault in SCENARIOS[scenario].faults(STANDING)] == components


def test_a_person_may_choose_the_host() -> None:
    named = Scene(THREE, target="cp1", vip_owner="cp2", etcd_leader="cp3")
    about_one = set(SCENARIOS) - {"quorum-lost", "vip-split", "keepalived-stopped-everywhere"}
    assert {fault.host for name in about_one for fault in SCENARIOS[name].faults(named)} == {"cp1"}


@pytest.mark.parametrize(("hosts", "stopped"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_a_lost_quorum_takes_no_more_members_than_it_must(hosts: int, stopped: int) -> None:
    names = tuple(f"cp{n}" for n in range(1, hosts + 1))
    assert len(SCENARIOS["quorum-lost"].faults(Scene(names))) == stopped


@pytest.mark.parametrize("scenario", ["etcd-leader-killed", "keepalived-stopped", "scheduler-killed"])
def test_what_nobody_holds_cannot_be_taken_away(scenario: str) -> None:
    with pytest.raises(LabError, match="no component is"):
        SCENARIOS[scenario].faults(Scene(THREE))


def test_a_seed_draws_the_same_fault_again_and_seeds_differ() -> None:
    drawings = [drawn_faults(STANDING, seed) for seed in range(200)]
    assert drawings == [drawn_faults(STANDING, seed) for seed in range(200)]
    assert len({fault.unit or fault.kind for faults in drawings for fault in faults}) > 20
    assert {fault.host for faults in drawings for fault in faults} == set(THREE)


def test_a_drawn_fault_lasts_until_it_is_healed() -> None:
    assert all(fault.lasts for seed in range(200) for fault in drawn_faults(STANDING, seed))


def test_only_what_is_possible_is_drawn() -> None:
    unowned = [drawn_faults(Scene(THREE), seed) for seed in range(200)]
    assert not any(fault.unit in ("keepalived", "haproxy") for faults in unowned for fault in faults)


LEADER = """[{"Endpoint":"https://10.99.1.11:2379","Status":{"header":{"cluster_id":6202227757993701778,
"member_id":16098219476404292029,"revision":243,"raft_term":2},"version":"3.4.23","dbSize":258048,
"leader":16098219476404292029,"raftIndex":344,"raftTerm":2,"raftAppliedIndex":344,"dbSizeInUse":245760}}]"""
FOLLOWER = LEADER.replace('"member_id":16098219476404292029', '"member_id":9887923203706980351')


def test_the_leader_is_known_by_its_own_status() -> None:
    assert leads(json.loads(LEADER))
    assert not leads(json.loads(FOLLOWER))
