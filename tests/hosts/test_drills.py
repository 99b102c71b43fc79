"""Drills on real hosts: each fault is there after `break` and gone after `heal`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from haconsole.lab.drills import break_lab, heal, look, standing
from haconsole.lab.errors import LabError
from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.machine import login, start_keepalived, vip_holders
from tests.hosts.program import Program


@pytest.fixture
async def balancers(make_lab: LabMaker) -> Lab:
    """Two hosts of which the first has the VIP."""
    lab = make_lab(hosts=2, kubernetes=False)
    start_keepalived(lab)
    await eventually(lambda: vip_holders(lab) == ["cp1"], within_s=15)
    return lab


async def test_keepalived_stops_on_the_owner(balancers: Lab) -> None:
    assert [str(fault) for fault in break_lab(balancers, "keepalived-stopped")] == ["cp1: keepalived is stopped"]
    await eventually(lambda: vip_holders(balancers) == ["cp2"], within_s=15)
    assert heal(balancers) != ()
    await eventually(lambda: vip_holders(balancers) == ["cp1"], within_s=15)


async def test_both_take_the_vip_when_adverts_are_dropped(balancers: Lab) -> None:
    break_lab(balancers, "vip-split")
    await eventually(lambda: vip_holders(balancers) == ["cp1", "cp2"], within_s=15)
    assert login(balancers, "cp1", "true").returncode == 0
    heal(balancers)
    await eventually(lambda: vip_holders(balancers) == ["cp1"], within_s=15)


async def test_a_host_goes_down_and_comes_back(balancers: Lab) -> None:
    break_lab(balancers, "host-down", "cp1")
    await eventually(lambda: vip_holders(balancers) == ["cp2"], within_s=15)
    assert login(balancers, "cp1", "true").returncode == 255
    heal(balancers)
    assert login(balancers, "cp1", "hostname").stdout == "cp1\n"


async def test_a_host_cut_off_keeps_running(balancers: Lab) -> None:
    break_lab(balancers, "host-cut-off", "cp2")
    await eventually(lambda: vip_holders(balancers) == ["cp1", "cp2"], within_s=15)
    assert login(balancers, "cp2", "true").returncode == 255
    heal(balancers)
    await eventually(lambda: vip_holders(balancers) == ["cp1"], within_s=15)


async def test_faults_are_remembered_until_they_are_healed(small_lab: Lab) -> None:
    def lab(*words: str) -> subprocess.CompletedProcess[str]:
        argv = (sys.executable, "-m", "haconsole", "lab", words[0], "--name", small_lab.name, *words[1:])
        return subprocess.run(argv, capture_output=True, text=True, timeout=60)

    assert "quorum-lost" in lab("break").stdout
    assert lab("break", "haproxy-stopped", "--host", "cp1").stdout == "cp1: haproxy is stopped\n"
    assert lab("break", "host-cut-off").stdout.startswith("cp1: no packet")
    assert len(standing(small_lab)) == 2
    assert "cp1: haproxy is stopped\n" in lab("status").stdout
    assert lab("heal").stdout.splitlines()[0] == "healed cp1: haproxy is stopped"
    assert standing(small_lab) == ()
    await eventually(lambda: small_lab.exec("cp1", "systemctl", "is-active", "haproxy").stdout == "active\n")
    assert lab("heal").stderr == "nothing was broken\n"


def test_an_impossible_drill_is_refused(small_lab: Lab) -> None:
    with pytest.raises(LabError, match=r"`clock`.*quorum-lost"):
        break_lab(small_lab, "clock")
    with pytest.raises(LabError, match="etcd's leader"):
        break_lab(small_lab, "etcd-leader-killed")
    with pytest.raises(LabError, match="cp9"):
        break_lab(small_lab, "host-down", "cp9")
    assert standing(small_lab) == ()


class TestOnACluster:
    """Scenarios on a bootstrapped cluster; each waits until the cluster is healthy again."""

    @pytest.fixture
    async def lab(self, installed: Program) -> AsyncIterator[Lab]:
        lab = installed.lab
        await eventually(lambda: is_whole(lab), within_s=60)
        yield lab
        heal(lab)
        await eventually(lambda: is_whole(lab), within_s=60)

    def test_the_owner_and_the_leaders_are_determined(self, lab: Lab) -> None:
        scene = look(lab)
        assert [scene.vip_owner] == vip_holders(lab)
        assert {scene.etcd_leader, scheduler(lab)} <= set(scene.control_planes)

    def test_a_follower_stops(self, lab: Lab) -> None:
        (fault,) = break_lab(lab, "etcd-member-down")
        assert fault.host != look(lab).etcd_leader
        assert not member_answers(lab, fault.host)
        heal(lab)

    async def test_the_leader_is_killed_and_another_leads(self, lab: Lab) -> None:
        before = look(lab).etcd_leader
        (fault,) = break_lab(lab, "etcd-leader-killed")
        assert fault.host == before
        await eventually(lambda: look(lab).etcd_leader not in (None, before), within_s=20)
        assert standing(lab) == ()

    async def test_without_a_quorum_nobody_decides(self, lab: Lab) -> None:
        break_lab(lab, "quorum-lost")
        assert not member_answers(lab, "cp1")
        heal(lab)
        await eventually(lambda: all(member_answers(lab, host.name) for host in lab.spec.hosts), within_s=30)

    def test_one_api_server_stops_and_the_others_serve(self, lab: Lab) -> None:
        (fault,) = break_lab(lab, "apiserver-down")
        assert lab.exec(fault.host, "systemctl", "is-active", "kube-apiserver").stdout in ("inactive\n", "failed\n")
        assert kubectl(lab, "cp1", "get", "--raw", "/readyz").stdout == "ok"

    async def test_another_scheduler_leads_when_the_leading_one_is_killed(self, lab: Lab) -> None:
        before = kubectl(lab, "cp1", *SCHEDULER).stdout
        (fault,) = break_lab(lab, "scheduler-killed")
        assert before.startswith(f"{fault.host}_")
        await eventually(lambda: kubectl(lab, "cp1", *SCHEDULER).stdout not in ("", before), within_s=30)


SCHEDULER = ("get", "lease", "-n", "kube-system", "kube-scheduler", "-o", "jsonpath={.spec.holderIdentity}")
ETCDCTL = (
    *("etcdctl", "--endpoints=https://127.0.0.1:2379", "--cacert=/etc/etcd/pki/ca.crt", "--command-timeout=2s"),
    *("--cert=/etc/etcd/pki/client.crt", "--key=/etc/etcd/pki/client.key"),
)


def kubectl(lab: Lab, host: str, *words: str) -> subprocess.CompletedProcess[str]:
    return lab.exec(host, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--request-timeout=5s", *words)


def scheduler(lab: Lab) -> str:
    return kubectl(lab, "cp1", *SCHEDULER).stdout.partition("_")[0]


def member_answers(lab: Lab, host: str) -> bool:
    """The member takes part in decisions: a linearizable read of it succeeds."""
    return lab.exec(host, *ETCDCTL, "endpoint", "health").returncode == 0


def is_whole(lab: Lab) -> bool:
    """Every member decides, every apiserver is ready, one host has the VIP, somebody schedules."""
    hosts = [host.name for host in lab.spec.hosts]
    return (
        all(member_answers(lab, host) for host in hosts)
        and all(
            kubectl(lab, host, f"--server=https://{lab.spec.host(host).address}:6443", "get", "--raw", "/readyz").stdout
            == "ok"
            for host in hosts
        )
        and len(vip_holders(lab)) == 1
        and scheduler(lab) in hosts
    )
