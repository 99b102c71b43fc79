"""All control planes lose power, and a balancer that holds connections keeps every kubelet from starting its pods."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from haconsole.diagnosis.candidate import ANY
from haconsole.lab.lab import Lab
from tests.hosts.kubeadm_cluster import control_planes, haproxy_config, output
from tests.hosts.kubeadm_doctor import discovered, first_finding, healed
from tests.hosts.kubeadm_material import running_pods
from tests.hosts.program import Program

HELD = (
    "    tcp-request inspect-delay 10m\n"
    "    tcp-request content accept if { req.len gt 16000 }\n"
    "    timeout client 10m\n"
    "    default_backend"
)
"""A frontend that accepts a connection and connects no server before the client has sent much."""
STARTED_S = 120.0


def configure(lab: Lab, *, holding: bool) -> None:
    """haproxy of each control plane as kubeadm's guide has it, or with a frontend that holds connections."""
    text = haproxy_config(lab)
    for name in control_planes(lab):
        path = lab.host(name).root / "etc/haproxy/haproxy.cfg"
        path.write_text(text.replace("    default_backend", HELD, 1) if holding else text)


def on_all(lab: Lab, *argv: str) -> None:
    for name in control_planes(lab):
        output(lab, name, *argv, deadline_s=60)


@pytest.mark.nightly
def test_kubelets_that_wait_for_the_endpoint_are_released_by_the_doctors_remedy(kubeadm: Lab, tmp_path: Path) -> None:
    lab = kubeadm
    plain = Program(lab, tmp_path)
    program = Program(lab, tmp_path, discovered(plain, lab.spec.host("cp1").address, tmp_path / "found.yaml"))
    configure(lab, holding=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lab.crash, control_planes(lab)))
        list(pool.map(lab.boot, control_planes(lab)))
    began = time.monotonic()
    finding = first_finding(program, ANY, "kubelet.waits-for-api")
    print(f"\nkubelets that wait: {finding['code']} first after {time.monotonic() - began:.1f} s: {finding['summary']}")
    assert not any(running_pods(lab, name) for name in control_planes(lab))
    assert finding["remedies"][0]["text"].startswith(f"on {' '.join(control_planes(lab))}: systemctl stop haproxy")
    on_all(lab, "systemctl", "stop", "haproxy")
    end = time.monotonic() + STARTED_S
    while not all(len(running_pods(lab, name)) == 4 for name in control_planes(lab)):
        assert time.monotonic() < end, {name: running_pods(lab, name) for name in control_planes(lab)}
        time.sleep(2.0)
    configure(lab, holding=False)
    on_all(lab, "systemctl", "start", "haproxy")
    healed(program)
