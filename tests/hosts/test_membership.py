"""Hosts come and go while writers write and readers read: nothing is lost, and all is well after each change."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.load import ApiReader, EtcdWriter
from tests.hosts.membership import QUIET, Members

ALL = ("cp1", "cp2", "cp3", "cp4", "cp5")
pytestmark = [pytest.mark.timeout(1500), pytest.mark.nightly]


@pytest.fixture(scope="module")
def etcd(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Members:
    """Five hosts for etcd alone, nothing on them yet."""
    lab = make_lab_for_session(hosts=5, kubernetes=False)
    return Members(lab, tmp_path_factory.mktemp("etcd"), etcd_only=True)


def without(host: str, hosts: tuple[str, ...] = ALL) -> tuple[str, ...]:
    return tuple(one for one in hosts if one != host)


def test_one_becomes_five_and_no_write_fails(etcd: Members) -> None:
    etcd.of("cp1").events("bootstrap")
    with EtcdWriter(etcd.lab, etcd.addresses) as writes:
        for number in range(2, 6):
            etcd.of(*ALL[:number]).events("join", ALL[number - 1])
            etcd.check(*ALL[:number])
    assert writes.failed == 0, str(writes)
    assert writes.done > 100, str(writes)


def test_a_second_run_changes_nothing(etcd: Members) -> None:
    assert etcd.of(*ALL).events("join", "cp5")[-1]["changed"] == 0
    assert etcd.of(*ALL).events("bootstrap")[-1]["changed"] == 0


def test_the_leader_leaves_and_comes_back(etcd: Members) -> None:
    leader = etcd.leader(*ALL)
    with EtcdWriter(etcd.lab, etcd.addresses) as writes:
        etcd.of(*ALL).events("remove", leader)
        etcd.check(*without(leader))
        kept = etcd.lab.exec(leader, "sh", "-c", "ls -d /var/lib/etcd/* /etc/etcd/pki*").stdout.split()
        etcd.of(*ALL).events("join", leader)
        etcd.check(*ALL)
    assert (writes.failed, writes.retried) == (0, 0), str(writes)
    assert [path.rpartition(".removed-")[0] for path in kept] == ["/etc/etcd/pki", "/var/lib/etcd/member"]


def test_a_host_without_power_is_replaced_and_comes_back(etcd: Members) -> None:
    dead = next(host for host in ALL[1:4] if host != etcd.leader(*ALL))
    etcd.of(*ALL).events("remove", "cp5")
    etcd.lab.crash(dead)
    with EtcdWriter(etcd.lab, etcd.addresses) as writes:
        etcd.of(*ALL).events("replace", dead, "cp5")
        etcd.check(*without(dead))
    assert writes.failed == 0, str(writes)
    etcd.lab.boot(dead)
    assert "etcd.missing-member" in {finding["code"] for finding in etcd.status(*ALL)["findings"]}
    etcd.of(*ALL).events("join", dead)
    etcd.check(*ALL)


def test_guards_refuse_in_the_state_they_are_for(etcd: Members) -> None:
    leader = etcd.leader(*ALL)
    first, second = [host for host in ALL if host not in (leader, "cp1")][:2]
    for host in (first, second):
        assert etcd.lab.exec(host, "systemctl", "stop", "etcd").returncode == 0
    told = etcd.refused(ALL, "remove", leader)
    assert f"without {leader} too few would be left: now 5 voters, 3 needed, 3 healthy: can lose 0" in told
    for host in (first, second):
        assert etcd.lab.exec(host, "systemctl", "start", "etcd").returncode == 0
    etcd.check(*ALL)
    assert "the inventory has no host cp9" in etcd.refused(ALL, "join", "cp9")
    assert "is cp2's, with all that runs there" in etcd.refused(ALL, "remove", "--member-id", member_id(etcd, "cp2"))


async def test_a_join_cut_off_after_the_list_is_finished_by_the_next(etcd: Members) -> None:
    etcd.of(*ALL).events("remove", "cp5")
    url = f"--peer-urls=https://{etcd.lab.spec.host('cp5').address}:2380"
    added = etcd.lab.exec("cp1", "sh", "-c", f"{ETCDCTL} member add cp5 --learner {url}")
    assert added.returncode == 0, added.stderr
    assert "was added and never started" in etcd.refused(ALL, "remove", "cp4")
    etcd.of(*ALL).events("join", "cp5")
    etcd.check(*ALL)


def test_a_ghost_is_taken_out_by_its_id(etcd: Members) -> None:
    hosts = ALL[:4]
    etcd.of(*hosts).events("remove", "--member-id", member_id(etcd, "cp5"))
    etcd.check(*hosts)


def test_down_to_one(etcd: Members) -> None:
    with EtcdWriter(etcd.lab, etcd.addresses[:1]) as writes:
        for number in (4, 3, 2):
            etcd.of(*ALL[:number]).events("remove", ALL[number - 1])
            time.sleep(0.2)
    assert writes.failed == 0, str(writes)
    assert "cp1 is the last etcd member" in etcd.refused(("cp1",), "remove", "cp1")


ETCDCTL = (
    "ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/etcd/pki/ca.crt"
    " --cert=/etc/etcd/pki/client.crt --key=/etc/etcd/pki/client.key"
)


def member_id(members: Members, name: str) -> str:
    told = members.status(*ALL)["etcd"]["members"]
    return next(str(member["id"]) for member in told if member["name"] == name)


@pytest.fixture(scope="module")
def planes(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Members:
    """Five hosts with everything on the first three."""
    lab = make_lab_for_session(hosts=5)
    members = Members(lab, tmp_path_factory.mktemp("planes"), etcd_only=False)
    members.of(*ALL[:3]).events("bootstrap")
    return members


def both(members: Members, tmp_path: Path) -> tuple[EtcdWriter, ApiReader]:
    lab: Lab = members.lab
    return EtcdWriter(lab, members.addresses), ApiReader(lab, lab.spec.vip, 8443, tmp_path / "tls")


async def test_a_fourth_and_a_fifth_control_plane_join(planes: Members, tmp_path: Path) -> None:
    writer, reader = both(planes, tmp_path)
    with writer as writes, reader as reads:
        for number in (4, 5):
            planes.of(*ALL[:number]).events("join", ALL[number - 1])
            await well(planes, ALL[:number])
    assert (writes.failed, reads.failed) == (0, 0), f"{writes}\n{reads}"


async def test_the_leader_among_control_planes_leaves(planes: Members, tmp_path: Path) -> None:
    leader = planes.leader(*ALL)
    writer, reader = both(planes, tmp_path)
    with writer as writes, reader as reads:
        planes.of(*ALL).events("remove", leader)
        await well(planes, without(leader))
    assert (writes.failed, reads.failed) == (0, 0), f"{writes}\n{reads}"
    planes.of(*ALL).events("join", leader)
    await well(planes, ALL)


async def test_a_control_plane_without_power_is_replaced(planes: Members, tmp_path: Path) -> None:
    planes.of(*ALL).events("remove", "cp5")
    planes.lab.crash("cp3")
    writer, reader = both(planes, tmp_path)
    with writer as writes, reader as reads:
        planes.of(*ALL).events("replace", "cp3", "cp5")
        await well(planes, without("cp3"))
    assert (writes.failed, reads.failed) == (0, 0), f"{writes}\n{reads}"


async def well(members: Members, hosts: tuple[str, ...]) -> None:
    """Healthy without a finding, soon: a lock's new holder may still be about to take it."""

    def healthy() -> bool:
        return not [one for one in members.status(*hosts)["findings"] if one["code"] not in QUIET]

    await eventually(healthy, within_s=60)
    members.check(*hosts)
