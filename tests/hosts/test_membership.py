"""etcd's members come and go while a client writes through all of them: no write fails, all is well after each."""

from __future__ import annotations

import pytest

from tests.hosts.conftest import Tell
from tests.hosts.load import EtcdWriter
from tests.hosts.membership import ALL, Members, without
from tests.hosts.program import lacking

pytestmark = pytest.mark.timeout(400)


def test_one_becomes_five_and_no_write_fails(etcd: Members, tell: Tell) -> None:
    etcd.stand("cp1")
    with EtcdWriter(etcd.lab, etcd.addresses) as writes:
        for number in range(2, 6):
            etcd.of(*ALL[:number]).events("join", ALL[number - 1])
            etcd.check(*ALL[:number])
    tell("one member becomes five", writes=writes)
    assert writes.failed == 0, str(writes)
    assert writes.successes > 100, str(writes)


@pytest.mark.nightly
def test_a_second_run_changes_nothing(etcd: Members) -> None:
    etcd.stand(*ALL)
    assert etcd.of(*ALL).events("join", "cp5")[-1]["changed"] == 0
    assert etcd.of(*ALL).events("bootstrap")[-1]["changed"] == 0


def test_the_leader_leaves_and_comes_back(etcd: Members, tell: Tell) -> None:
    etcd.stand(*ALL)
    leader = etcd.leader(*ALL)
    with EtcdWriter(etcd.lab, etcd.addresses) as writes:
        etcd.of(*ALL).events("remove", leader)
        etcd.check(*without(leader))
        content = etcd.shell(leader, "ls -d /var/lib/etcd/* /etc/etcd/pki*").split()
        etcd.of(*ALL).events("join", leader)
        etcd.check(*ALL)
    tell("the leader leaves and comes back", writes=writes)
    assert writes.failed == 0, str(writes)
    assert len(writes.terms) == 2, f"leadership was handed over once, without an election: {writes}"
    assert {path.rpartition(".removed-")[0] for path in content} == {"/etc/etcd/pki", "/var/lib/etcd/member"}


@pytest.mark.nightly
def test_a_host_without_power_is_replaced_and_comes_back(etcd: Members, tell: Tell) -> None:
    etcd.stand(*ALL[:4])
    dead = next(host for host in ALL[1:4] if host != etcd.leader(*ALL))
    etcd.lab.crash(dead)
    with EtcdWriter(etcd.lab, etcd.addresses) as writes:
        etcd.of(*ALL).events("replace", dead, "cp5")
        etcd.check(*without(dead))
    tell("a host without power is replaced", writes=writes)
    assert writes.failed == 0, str(writes)
    etcd.lab.boot(dead)
    assert "etcd.missing-member" in {finding["code"] for finding in etcd.status(*ALL)["findings"]}
    etcd.of(*ALL).events("join", dead)
    etcd.check(*ALL)


@pytest.mark.nightly
def test_five_shrink_to_one(etcd: Members, tell: Tell) -> None:
    etcd.stand(*ALL)
    with EtcdWriter(etcd.lab, etcd.addresses) as writes:
        for number in (5, 4, 3, 2):
            etcd.of(*ALL[:number]).events("remove", ALL[number - 1])
            etcd.check(*ALL[: number - 1])
    tell("five members shrink to one", writes=writes)
    assert writes.failed == 0, str(writes)
    assert lacking(etcd.refused(("cp1",), "remove", "cp1"), "cp1", "etcd", "last") == []
