"""A cluster is made by kubeadm from bare hosts, beside a script that does the same; then a dead host is replaced."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from tests.hosts.conftest import LabMaker, Tell
from tests.hosts.kubeadm_changes import KubeadmLab
from tests.hosts.kubeadm_cluster import STACKED, kubectl, make_cluster
from tests.hosts.machine import vip_holders

pytestmark = [pytest.mark.timeout(2400), pytest.mark.nightly]
THREE = ("cp1", "cp2", "cp3", "w1")
LONGER = 1.1
"""So many times as long as the script the program may take, with all its checks."""
FOUR = ("cp1", "cp2", "cp3", "cp4", "w1")


@pytest.fixture
def bare(make_lab: LabMaker, tmp_path: Path) -> KubeadmLab:
    """Four bare control planes and a worker; the fourth is for a replacement."""
    return KubeadmLab(make_lab(hosts=4, workers=1, kubeadm=STACKED), tmp_path)


async def test_a_cluster_is_made_and_a_dead_control_plane_replaced(bare: KubeadmLab, tell: Tell) -> None:
    lab = bare.lab
    result = bare.seconds(THREE, "bootstrap")
    tell("bootstrap of three control planes and a worker", seconds=round(result))
    await bare.healthy(*THREE)
    assert len(vip_holders(lab)) == 1
    assert kubectl(lab, "cp2", "get", "nodes", "-o", "name").split() == [f"node/{name}" for name in THREE]
    second = bare.of(*THREE).events("bootstrap")
    assert second[-1]["outcome"] == "already"
    assert second[-1]["changed"] == 0
    assert bare.secrets_left() == []
    lab.crash("cp1")
    replaced = bare.seconds(FOUR, "replace", "cp1", "cp4")
    tell("replacement of the first control plane, whose power is off", seconds=round(replaced))
    assert bare.traces_of("cp1", "cp2") == []
    await bare.healthy("cp2", "cp3", "cp4", "w1")
    assert bare.secrets_left() == []


@pytest.mark.parametrize("step", ["kubeadm.init@cp1", "kubeadm.join@cp2"])
async def test_a_bootstrap_whose_console_is_killed_is_resumed(bare: KubeadmLab, step: str) -> None:
    run = await bare.killed_at(THREE, step, "bootstrap")
    bare.resume(THREE, run)
    await bare.healthy(*THREE)
    assert bare.secrets_left() == []


def test_a_script_with_kubeadm_needs_as_long(make_lab: LabMaker, tmp_path: Path, tell: Tell) -> None:
    """The same cluster by a script, whose workers join beside the control planes too, on the same machine."""
    lab: Lab = make_lab(hosts=3, workers=1, kubeadm=STACKED)
    began = time.monotonic()
    make_cluster(lab)
    by_script = time.monotonic() - began
    lab.down()
    ours = KubeadmLab(make_lab(hosts=3, workers=1, kubeadm=STACKED), tmp_path)
    by_program = ours.seconds(THREE, "bootstrap")
    ratio = by_program / by_script
    tell("three control planes and a worker", script=round(by_script), program=round(by_program), ratio=round(ratio, 2))
    assert ratio <= LONGER
