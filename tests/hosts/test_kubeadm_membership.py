"""Hosts of a kubeadm cluster leave and join; its balancers are the site's own, as kubeadm's guide writes them.

Nothing of a host remains once it has left, and no token or certificate key is left anywhere.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from tests.fakes.waiting import eventually
from tests.hosts.conftest import Tell
from tests.hosts.kubeadm_changes import KubeadmLab
from tests.hosts.kubeadm_cluster import ADMIN, kubectl, output, wait_healthy
from tests.hosts.machine import vip_holders

pytestmark = [pytest.mark.timeout(1500), pytest.mark.nightly]
ALL = ("cp1", "cp2", "cp3", "w1")
GUARDED = """
kind: Deployment
apiVersion: apps/v1
metadata: {name: guarded}
spec:
  replicas: 1
  selector: {matchLabels: {app: guarded}}
  template:
    metadata: {labels: {app: guarded}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: pause, image: "IMAGE"}]
---
kind: PodDisruptionBudget
apiVersion: policy/v1beta1
metadata: {name: guarded}
spec: {minAvailable: 1, selector: {matchLabels: {app: guarded}}}
"""
"""A pod that no eviction may remove; it runs on the worker, as control planes are tainted."""


@pytest.fixture(scope="module")
def cluster(places: Places, saved_kubeadm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeadmLab]:
    """The restored cluster for the tests of this file, which follow each other."""
    lab = Lab(Path(saved_kubeadm).name, places=places)
    try:
        lab.up_from(saved_kubeadm)
        wait_healthy(lab)
        result = KubeadmLab(lab, tmp_path_factory.mktemp("operator"))
        result.delete_secrets()
        yield result
    finally:
        lab.down()


async def test_a_worker_leaves_only_once_its_pods_may(cluster: KubeadmLab, tell: Tell) -> None:
    lab = cluster.lab
    image = kubectl(
        lab, "cp1", "-n", "kube-system", "get", "deployment", "coredns", "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
    )  # fmt: skip
    apply = f"kubectl --kubeconfig={ADMIN} apply -f - <<'END'\n{GUARDED.replace('IMAGE', image)}\nEND"
    output(lab, "cp1", "sh", "-c", apply)
    await eventually(lambda: "1/1" in kubectl(lab, "cp1", "get", "deployment", "guarded"), within_s=90)
    program = cluster.of(*ALL)
    with (cluster.folder / "drain").open("w+") as events:
        command = program.command("run", "remove", "w1", "--yes", "--json")
        with subprocess.Popen(command, env=program.environment, stdout=events, stderr=subprocess.DEVNULL) as running:
            await eventually(lambda: "disruption budget" in (cluster.folder / "drain").read_text(), within_s=120)
            running.kill()
    assert kubectl(lab, "cp1", "get", "node", "w1", "-o", "name") == "node/w1\n"
    assert "Running" in kubectl(lab, "cp1", "get", "pods")
    forced = program("run", "remove", "w1", "--force", "--yes")
    assert forced.returncode != 0
    assert f"--confirm {lab.spec.name}" in forced.stderr
    (log,) = (cluster.folder / "state" / "haconsole" / "runs").glob("*.jsonl")
    takeover = ("--take-over-lock", log.stem)
    cluster.seconds(ALL, "remove", "w1", "--force", "--confirm", lab.spec.name, *takeover)
    assert cluster.traces_of("w1", "cp1") == []
    seconds = cluster.seconds(ALL, "join", "w1")
    tell("the worker joins", seconds=round(seconds))
    output(lab, "cp1", "sh", "-c", apply.replace("apply -f", "delete -f"))
    await cluster.healthy(*ALL)
    assert cluster.secrets_left() == []


async def test_the_first_control_plane_leaves_and_joins_again(cluster: KubeadmLab, tell: Tell) -> None:
    """It holds the VIP, and its console is killed in the middle of the join."""
    lab = cluster.lab
    assert vip_holders(lab) == ["cp1"]
    rest = cluster.seconds(ALL, "remove", "cp1")
    assert cluster.traces_of("cp1", "cp2") == []
    assert vip_holders(lab) != ["cp1"]
    assert output(lab, "cp1", "sh", "-c", "ls -d /etc/kubernetes.removed-*/pki").strip() != ""
    run = await cluster.killed_at(ALL, "kubeadm.join@cp1", "join", "cp1")
    events = cluster.resume(ALL, run)
    ended = {one["step"]: one["outcome"] for one in events if one["event"] == "step-done"}
    assert ended["kubeadm.join@cp1"] in ("done", "already")
    await cluster.healthy(*ALL)
    assert cluster.secrets_left() == []
    tell("the first control plane leaves", seconds=round(rest))
