"""Drills on real hosts: each fault is there after `break` and gone after `heal`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from haconsole.lab.drills import break_lab, heal, standing
from haconsole.lab.errors import LabError
from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.machine import login, start_keepalived, vip_holders


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


async def test_a_host_cut_off_goes_on_alone(balancers: Lab) -> None:
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
    assert lab("break", "host-cut-off").stdout.startswith("cp1: nothing")
    assert len(standing(small_lab)) == 2
    assert "broken on purpose: cp1: haproxy is stopped\n" in lab("status").stdout
    assert lab("heal").stdout.splitlines()[0] == "healed cp1: haproxy is stopped"
    assert standing(small_lab) == ()
    await eventually(lambda: small_lab.exec("cp1", "systemctl", "is-active", "haproxy").stdout == "active\n")
    assert lab("heal").stderr == "nothing was broken\n"


def test_what_cannot_be_broken_is_said(small_lab: Lab) -> None:
    with pytest.raises(LabError, match=r"there is no scenario `clock`.*quorum-lost"):
        break_lab(small_lab, "clock")
    with pytest.raises(LabError, match="nobody is etcd's leader"):
        break_lab(small_lab, "etcd-leader-killed")
    with pytest.raises(LabError, match="has no host `cp9`"):
        break_lab(small_lab, "host-down", "cp9")
    assert standing(small_lab) == ()
