"""Ends of static pods as real kubelets and containerd keep them: by a signal, and without a manifest."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from haconsole.model.kubelet import StaticPodState
from haconsole.probes.hosts import kubelet
from haconsole.probes.script import SectionAnswer
from tests.hosts.kubeadm_cluster import output
from tests.hosts.kubeadm_doctor import discovered, problems
from tests.hosts.program import Program

pytestmark = [pytest.mark.timeout(900), pytest.mark.nightly]
HOST, MANIFEST = "cp3", "/etc/kubernetes/manifests/etcd.yaml"
KEPT = "/root/etcd.yaml"
RESTARTS_S = 120.0


def test_the_facts_show_how_a_pod_ended(kubeadm: Lab, tmp_path: Path) -> None:
    for signal, status in (("TERM", 0), ("KILL", 137)):
        before = pod_of(kubeadm)
        output(kubeadm, HOST, "pkill", f"-{signal}", "-x", "etcd")
        after = wait_for(kubeadm, before.attempt)
        assert after.exit_status == status
        assert after.ended_at is not None
        assert after.placed_at is not None
        assert after.placed_at < after.ended_at
    output(kubeadm, HOST, "mv", MANIFEST, KEPT)
    end = time.monotonic() + RESTARTS_S
    while kubeadm.exec(HOST, "pidof", "etcd").returncode == 0:
        assert time.monotonic() < end
        time.sleep(0.2)
    output(kubeadm, HOST, "mv", KEPT, MANIFEST)
    program = Program(kubeadm, tmp_path / "state")
    program = Program(
        kubeadm, tmp_path / "state", discovered(program, kubeadm.spec.host("cp1").address, tmp_path / "i")
    )
    back = pod_of(kubeadm)
    assert back.ended_at is None or (back.placed_at is not None and back.placed_at >= back.ended_at)
    codes = [(one["code"], one["subject"]) for one in problems(program)]
    assert ("static-pod.crash-loop", f"etcd@{HOST}") not in codes


def pod_of(lab: Lab) -> StaticPodState:
    text = output(lab, HOST, "sh", "-c", kubelet.section().body)
    pod = kubelet.parse(SectionAnswer("kubelet", text, "", 0)).pod("etcd")
    assert pod is not None
    return pod


def wait_for(lab: Lab, earlier: int) -> StaticPodState:
    """The pod once a later attempt than `earlier` runs."""
    end = time.monotonic() + RESTARTS_S
    while not ((pod := pod_of(lab)).running and pod.attempt > earlier):
        assert time.monotonic() < end, pod
        time.sleep(0.5)
    return pod
