"""kubeadm clusters of other shapes: the same inventory from every host, and healthy as they are.

Nightly, because each cluster is made for its test.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from haconsole.diagnosis.candidate import ANY
from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from haconsole.lab.spec import Balancer, Debian, EtcdTopology, KubeadmSpec
from tests.hosts.conftest import LabMaker
from tests.hosts.kubeadm_cluster import output, wait_healthy
from tests.hosts.kubeadm_doctor import NOTES, discovered, first_finding
from tests.hosts.kubeadm_shapes import (
    EtcdRunner,
    make_with_external_balancer,
    make_with_external_etcd,
    make_with_static_pod_balancers,
    move_balancers,
)
from tests.hosts.program import Program, lacking

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]
EXTERNAL = KubeadmSpec(etcd=EtcdTopology.EXTERNAL)
STATIC_PODS = KubeadmSpec(balancer=Balancer.STATIC_PODS)
SETTLED_S = 420.0
CODE = re.compile(r"^(?:CRITICAL|WARNING|INFO) ([a-z-]+\.[a-z-]+) ", re.MULTILINE)


@pytest.mark.parametrize(
    ("kubeadm", "make", "debian"),
    [
        pytest.param(
            EXTERNAL, partial(make_with_external_etcd, runner=EtcdRunner.UNITS), Debian.BOOKWORM, id="etcd-units"
        ),
        pytest.param(
            EXTERNAL, partial(make_with_external_etcd, runner=EtcdRunner.STATIC_PODS), Debian.BOOKWORM, id="etcd-pods"
        ),
        pytest.param(STATIC_PODS, make_with_static_pod_balancers, Debian.BOOKWORM, id="balancer-pods"),
        pytest.param(STATIC_PODS, make_with_static_pod_balancers, Debian.TRIXIE, id="balancer-pods-trixie"),
    ],
)
def test_a_cluster_of_another_shape_is_found_from_every_host_and_healthy(
    make_lab: LabMaker, tmp_path: Path, kubeadm: KubeadmSpec, make: Callable[[Lab], None], debian: Debian
) -> None:
    lab = make_lab(kubeadm=kubeadm, debian=debian)
    make(lab)
    program = Program(lab, tmp_path)
    paths = {host.name: discovered(program, host.address, tmp_path / host.name) for host in lab.spec.hosts}
    texts = {name: path.read_text().split("\n", 1)[1] for name, path in paths.items()}
    assert len(set(texts.values())) == 1, texts
    reading = Program(lab, tmp_path, paths["cp1"])
    assert reading.verb("check", str(reading.inventory)).returncode == 0
    settled(reading)
    certificates = json.loads(reading.verb("certs", str(reading.inventory), "--json").stdout)
    assert certificates["unread"] == []
    assert [one for one in certificates["certificates"] if one["problem"]] == []
    status = json.loads(reading.verb("status", str(reading.inventory), "--json").stdout)
    assert {one["state"] for one in status["services"]} == {"active"}
    assert len(status["etcd"]["members"]) == 3
    assert all(vip["owners"] for vip in status["vips"])


def test_a_cluster_behind_a_balancer_outside_of_it_is_found_through_a_bastion(
    make_lab: LabMaker, tmp_path: Path
) -> None:
    """The bastion is the jump host and the balancer; no host of the cluster runs one."""
    lab = make_lab(kubeadm=KubeadmSpec(balancer=Balancer.NONE), bastion=True, workers=1)
    make_with_external_balancer(lab)
    program = Program(lab, tmp_path)
    hosts = [host for host in lab.spec.hosts if not host.is_bastion]
    paths = {host.name: discovered(program, host.address, tmp_path / host.name) for host in hosts}
    texts = {name: path.read_text().split("\n", 1)[1] for name, path in paths.items()}
    assert len(set(texts.values())) == 1, texts
    endpoint = f"{lab.spec.inner_gateway}:8443"
    assert f"endpoint: {endpoint}\n" in texts["w1"]
    assert "jump: " in texts["w1"]
    reading = Program(lab, tmp_path, paths["cp1"])
    assert reading.verb("check", str(reading.inventory)).returncode == 0
    settled(reading)
    status = json.loads(reading.verb("status", str(reading.inventory), "--json").stdout)
    assert status["endpoint"] == {"address": endpoint, "answering": ["cp1", "cp2", "cp3"], "unrecognised": 0}
    assert lacking(reading.verb("status", str(reading.inventory)).stdout, endpoint, "cp1, cp2, cp3") == []
    bastion = next(host.name for host in lab.spec.hosts if host.is_bastion)
    output(lab, bastion, "systemctl", "stop", "haproxy")
    try:
        finding = first_finding(reading, ANY, "endpoint.unreachable")
        assert (finding["subject"], finding["severity"]) == (endpoint, "critical")
    finally:
        output(lab, bastion, "systemctl", "start", "haproxy")
    settled(reading)


def test_a_balancer_on_a_host_of_its_own_is_found_from_every_host(
    places: Places, saved_kubeadm: str, tmp_path: Path
) -> None:
    """A control plane leads to it by the endpoint, and its haproxy leads to the control planes."""
    lab = Lab(Path(saved_kubeadm).name, places=places)
    try:
        lab.up_from(saved_kubeadm)
        wait_healthy(lab)
        move_balancers(lab, "w1")
        program = Program(lab, tmp_path)
        paths = {host.name: discovered(program, host.address, tmp_path / host.name) for host in lab.spec.hosts}
        texts = {name: path.read_text().split("\n", 1)[1] for name, path in paths.items()}
        assert len(set(texts.values())) == 1, texts
        assert re.search(r"name: w1\n    address: \S+\n    roles: \[load-balancer\]", texts["cp1"]), texts["cp1"]
        reading = Program(lab, tmp_path, paths["cp1"])
        assert reading.verb("check", str(reading.inventory)).returncode == 0
        settled(reading)
    finally:
        lab.down()


def settled(program: Program) -> None:
    """Wait until status is healthy and doctor reports nothing but notes on balancers that this console did not write.

    Lateness is left out: the hosts share one machine, which may be busy with anything.
    """
    end, inventory = time.monotonic() + SETTLED_S, str(program.inventory)
    while True:
        status, report = program.verb("status", inventory), program.verb("doctor", inventory)
        if status.returncode == 0 and set(CODE.findall(report.stdout)) <= {*NOTES, "host.slow"}:
            return
        assert time.monotonic() < end, (status.stdout[-3000:], report.stdout[-6000:])
