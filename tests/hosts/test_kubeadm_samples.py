"""Each sample inventory of kubeadm, on hosts: bootstrap makes the cluster, which is healthy without a finding.

Nightly, because each cluster is made for its test.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haconsole.lab.spec import Balancer, EtcdTopology, KubeadmSpec
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker, Tell
from tests.hosts.kubeadm_cluster import output
from tests.hosts.kubeadm_samples import KubeadmSample
from tests.hosts.kubeadm_shapes import EtcdRunner, make_members

pytestmark = [pytest.mark.timeout(1800), pytest.mark.nightly]
SPARE = "cp3"
"""The lab's control plane that a sample with two of them has no name for; it may be the balancer outside."""
ETCD = {"my-etcd-1": "etcd1", "my-etcd-2": "etcd2", "my-etcd-3": "etcd3"}
PODS = {"etcd0": "etcd1", "etcd1": "etcd2", "etcd2": "etcd3"}
PLANES = {"master01": "cp1", "master02": "cp2"}
WORKER = {"node01": "w1"}
AWS = {
    "bastion": "bastion",
    **{f"kube-master-{n}": f"cp{n}" for n in (1, 2, 3)},
    **{f"kube-worker-{n}": f"w{n}" for n in (1, 2)},
}
MANIFEST = "/etc/kubernetes/manifests/etcd.yaml"


async def test_etcd_as_units_behind_a_balancer_outside(make_lab: LabMaker, tmp_path: Path, tell: Tell) -> None:
    lab = make_lab(workers=1, kubeadm=KubeadmSpec(EtcdTopology.EXTERNAL, Balancer.NONE))
    sample = KubeadmSample(lab, tmp_path, "kubeadm-external-etcd.yaml", {**ETCD, **PLANES, **WORKER})
    sample.balance_outside(SPARE, lab.spec.host(SPARE).address)
    await make_and_check(sample, tell)
    assert {active(sample, name, "etcd") for name in ETCD} == {"active"}


async def test_etcd_as_static_pods_of_kubelets_without_api_server(
    make_lab: LabMaker, tmp_path: Path, tell: Tell
) -> None:
    lab = make_lab(workers=1, kubeadm=KubeadmSpec(EtcdTopology.EXTERNAL, Balancer.HOSTS))
    lab.crash(SPARE)
    sample = KubeadmSample(lab, tmp_path, "kubeadm-etcd-pods.yaml", {**PODS, **PLANES, **WORKER})
    await make_and_check(sample, tell)
    assert {active(sample, name, "etcd") for name in PODS} == {"inactive"}
    assert all("--initial-cluster" in output(lab, sample.real(name), "cat", MANIFEST) for name in PODS)


async def test_an_etcd_that_others_run(make_lab: LabMaker, tmp_path: Path, tell: Tell) -> None:
    lab = make_lab(workers=1, kubeadm=KubeadmSpec(EtcdTopology.EXTERNAL, Balancer.NONE))
    sample = KubeadmSample(lab, tmp_path, "kubeadm-etcd-endpoints.yaml", {**PLANES, **WORKER})
    sample.use_pair(make_members(lab, EtcdRunner.UNITS))
    sample.balance_outside(SPARE, lab.spec.host(SPARE).address)
    await make_and_check(sample, tell)


async def test_stacked_etcd_behind_a_bastion_and_a_balancer_outside(
    make_lab: LabMaker, tmp_path: Path, tell: Tell
) -> None:
    lab = make_lab(workers=2, bastion=True, kubeadm=KubeadmSpec(balancer=Balancer.NONE))
    sample = KubeadmSample(lab, tmp_path, "kubeadm-aws-bastion.yaml", AWS)
    sample.balance_outside("bastion", lab.spec.inner_gateway)
    await make_and_check(sample, tell)
    network = sample.kubectl("-n", "kube-system", "get", "configmap", "network", "-o", "name")
    assert network.strip() == "configmap/network"


async def make_and_check(sample: KubeadmSample, tell: Tell) -> None:
    """Make the cluster: healthy, every node of the sample is ready, and a second run has nothing to do."""
    tell(f"bootstrap of {sample.text['cluster']}", seconds=round(sample.seconds((), "bootstrap")))
    await sample.healthy()
    status = json.loads(sample.of().verb("status", str(sample.of().inventory), "--json").stdout)
    assert len(status["etcd"]["members"]) == 3
    nodes = {*sample.with_role("control-plane"), *sample.with_role("worker")}
    assert {one["name"] for one in status["nodes"] if one["ready"]} == nodes
    second = sample.of().events("bootstrap")
    assert (second[-1]["outcome"], second[-1]["changed"]) == ("already", 0)
    # the controller manager deletes the token of init soon after it has expired
    await eventually(lambda: sample.secrets_left() == [], within_s=120)


def active(sample: KubeadmSample, name: str, unit: str) -> str:
    """The state of a unit on a host of the sample, by systemd."""
    return sample.lab.exec(sample.real(name), "systemctl", "is-active", unit).stdout.strip()
