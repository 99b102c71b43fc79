"""Labs for kubeadm, labs of Debian 13, and saved labs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haconsole.lab.errors import LabError
from haconsole.lab.lab import Lab
from haconsole.lab.spec import Debian
from tests.hosts.conftest import LabMaker
from tests.hosts.kubeadm_cluster import control_planes, etcdctl, faults, kubectl, output
from tests.hosts.machine import traces, vip_holders
from tests.hosts.program import Program


def test_a_saved_kubeadm_cluster_is_restored_healthy(kubeadm: Lab) -> None:
    assert faults(kubeadm) == []
    nodes = kubectl(kubeadm, "cp2", "get", "nodes", "-o", "name").split()
    assert nodes == ["node/cp1", "node/cp2", "node/cp3", "node/w1"]
    status, members = etcdctl(kubeadm, "cp3", "member", "list", "-w", "json")
    assert (status, len(json.loads(members)["members"])) == (0, 3)
    assert vip_holders(kubeadm) == ["cp1"]
    readyz = ("curl", "-sk", "--max-time", "5", f"https://{kubeadm.spec.endpoint}/readyz")
    assert output(kubeadm, "w1", *readyz) == "ok"
    for name in control_planes(kubeadm):
        assert output(kubeadm, name, "systemctl", "is-system-running") == "running\n"
        cloud = kubeadm.exec(name, "ip", "route", "get", "169.254.169.254")
        assert "No route to host" in cloud.stderr, f"kubelet waits for a cloud: {cloud.stdout}"
    with pytest.raises(LabError, match="is in use on this machine"):
        Lab(f"{kubeadm.name}x", places=kubeadm.places).up_from(str(kubeadm.places.cache / "saved" / kubeadm.name))
    assert traces(Lab(f"{kubeadm.name}x", places=kubeadm.places)) == {}


def test_debian_13_hosts_take_a_bootstrap(make_lab: LabMaker, tmp_path: Path) -> None:
    lab = make_lab(debian=Debian.TRIXIE)
    program = Program(lab, tmp_path)
    assert output(lab, "cp1", "cat", "/etc/debian_version").startswith("13")
    assert program.events("bootstrap")[-1]["outcome"] == "done"
    status = program.verb("status", "--json", str(lab.inventory_path))
    assert status.returncode == 0, status.stdout[-3000:] + status.stderr
