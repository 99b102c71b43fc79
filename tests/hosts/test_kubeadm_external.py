"""A kubeadm cluster whose etcd runs as systemd units: made from bare hosts, its hosts changed, its leaves rotated."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.lab.spec import EtcdTopology, KubeadmSpec
from haconsole.model.hosts import Role
from tests.hosts.conftest import LabMaker, Tell
from tests.hosts.kubeadm_changes import KubeadmLab
from tests.hosts.kubeadm_cluster import kubectl, output, wait_healthy
from tests.hosts.rotation import certs, leaves

pytestmark = [pytest.mark.timeout(2400), pytest.mark.nightly]
EXTERNAL = KubeadmSpec(etcd=EtcdTopology.EXTERNAL)


@pytest.fixture
def bare(make_lab: LabMaker, tmp_path: Path) -> KubeadmLab:
    return KubeadmLab(make_lab(hosts=3, workers=1, kubeadm=EXTERNAL), tmp_path)


async def test_etcd_as_units_serves_a_cluster_of_kubeadms(bare: KubeadmLab, tell: Tell) -> None:
    lab = bare.lab
    every = tuple(host.name for host in lab.spec.hosts)
    planes = tuple(host.name for host in lab.spec.hosts if Role.CONTROL_PLANE in host.roles)
    tell("bootstrap with three members as units", seconds=round(bare.seconds(every, "bootstrap")))
    wait_healthy(lab)
    await bare.healthy(*every)
    assert lab.exec(planes[0], "test", "-e", "/etc/kubernetes/manifests/etcd.yaml").returncode != 0
    second = bare.of(*every).events("bootstrap")
    assert (second[-1]["outcome"], second[-1]["changed"]) == ("already", 0)
    assert bare.secrets_left() == []
    tell("a control plane leaves", seconds=round(bare.seconds(every, "remove", planes[-1])))
    assert planes[-1] not in kubectl(lab, planes[0], "get", "nodes", "-o", "name")
    tell("it joins again", seconds=round(bare.seconds(every, "join", planes[-1])))
    await bare.healthy(*every)
    before = {name: one["fingerprint"] for name, one in leaves(certs(bare.of(*every))).items()}
    tell("all leaves are rotated", seconds=round(bare.seconds(every, "rotate-certs")))
    after = {name: one["fingerprint"] for name, one in leaves(certs(bare.of(*every))).items()}
    contents = {name for name in after if name[1] != "kubelet" and after[name] == before[name]}
    assert contents == set()
    await bare.healthy(*every)
    refused = bare.of(*every)("plan", "remove", next(name for name in every if name.startswith("etcd")))
    assert refused.returncode == 4
    assert "etcd" in output(lab, planes[0], "cat", "/etc/kubernetes/manifests/kube-apiserver.yaml")
