"""All control planes lose power, and the balancers hold the connections of every kubelet.

kubelet 1.20.2 starts its static pods meanwhile, because its TLS handshakes time out after 10 s. Others wait
(kubernetes/kubernetes 99602). So the finding about such a wait must not appear here. Once API servers run, the endpoint
is the first finding: no kubelet reaches them.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from haconsole.diagnosis.candidate import ANY
from haconsole.lab.lab import Lab
from tests.hosts.conftest import Tell
from tests.hosts.kubeadm_cluster import control_planes, haproxy_config, output
from tests.hosts.kubeadm_doctor import discovered, first_finding, healed, problems
from tests.hosts.kubeadm_material import running_pods
from tests.hosts.program import Program

HELD = (
    "    tcp-request inspect-delay 10m\n"
    "    tcp-request content accept if { req.len gt 16000 }\n"
    "    timeout client 10m\n"
    "    default_backend"
)
"""A frontend that accepts a connection and connects no server before the client has sent much."""
STARTED_S = 240.0


def configure(lab: Lab, *, holding: bool) -> None:
    """haproxy of each control plane as kubeadm's guide has it, or with a frontend that holds connections."""
    text = haproxy_config(lab)
    for name in control_planes(lab):
        path = lab.host(name).root / "etc/haproxy/haproxy.cfg"
        path.write_text(text.replace("    default_backend", HELD, 1) if holding else text)


def codes(program: Program) -> set[str]:
    return {one["code"] for one in problems(program)}


@pytest.mark.nightly
def test_a_cold_start_whose_pods_start_is_no_wait_for_the_endpoint(kubeadm: Lab, tmp_path: Path, tell: Tell) -> None:
    lab, planes = kubeadm, control_planes(kubeadm)
    plain = Program(lab, tmp_path)
    program = Program(lab, tmp_path, discovered(plain, lab.spec.host("cp1").address, tmp_path / "found.yaml"))
    configure(lab, holding=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lab.crash, planes))
        list(pool.map(lab.boot, planes))
    began = time.monotonic()
    readings: list[set[str]] = []
    while not all(len(running_pods(lab, name)) == 4 for name in planes):
        assert time.monotonic() < began + STARTED_S, {name: running_pods(lab, name) for name in planes}
        readings.append(codes(program))
    tell(f"static pods run while connections are held: {time.monotonic() - began:.0f} s after the boot")
    readings.append(codes(program))
    finding = first_finding(program, ANY, "endpoint.times-out")
    tell(f"the endpoint is the first finding: {time.monotonic() - began:.0f} s after the boot")
    assert "check haproxy on cp" in finding["remedies"][0]["text"]
    assert not any("kubelet.waits-for-api" in one for one in readings), readings
    configure(lab, holding=False)
    for name in planes:
        output(lab, name, "systemctl", "restart", "haproxy", deadline_s=60)
    healed(program)
