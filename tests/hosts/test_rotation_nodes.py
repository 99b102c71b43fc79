"""Certificates of real kubelets rotated: their nodes keep their leases all the while."""

from __future__ import annotations

import time

import pytest

from tests.hosts.conftest import LabMaker
from tests.hosts.kubelets import configure, join, kubelets, output_of
from tests.hosts.nodes import GRACE_S, UNIT, Nodes, furnish, programs
from tests.hosts.program import Program, outcomes
from tests.hosts.rotation import certs, sound

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A control plane and a worker with kubelets: one pair embedded in its kubeconfig, one in files."""
    result = programs(tmp_path_factory.mktemp("programs"))
    lab = make_lab_for_session(hosts=1, workers=1)
    program = Program(lab, tmp_path_factory.mktemp("nodes"))
    program.events("bootstrap")
    for host, form in (("cp1", "embedded"), ("w1", "files")):
        furnish(lab, host, result)
        join(lab, host, form, UNIT)
    return program


@pytest.mark.parametrize("phase", ["", "trust", "leaves", "drop"])
def test_nodes_keep_their_leases(cluster: Program, phase: str) -> None:
    """A lease that was not renewed for too long makes its node Unknown; NotReady it is itself as kubelet starts."""
    before, nodes = kubelets(cluster), Nodes(cluster.lab)
    with nodes:
        nodes.wait_renewed()
        output = outcomes(cluster.events("rotate-certs", *(("--ca", "--phase", phase) if phase else ())))
        nodes.wait_renewed()
    print(f"rotate-certs {phase}: {nodes.longest_s()} s without a renewal, {sorted(nodes.states)}")
    assert max(nodes.longest_s().values()) < GRACE_S
    assert {"cp1 Unknown", "w1 Unknown"}.isdisjoint(nodes.states)
    looks = {f"kubernetes.node-{phase or 'client'}@{host}" for host in (("cp1", "w1") if phase else ("cp1",))}
    assert looks <= set(output)
    after = kubelets(cluster)
    assert {after[host] != before[host] for host in before} == {phase in ("", "leaves")}
    if phase in ("", "drop"):
        sound(certs(cluster))


def test_a_kubelet_that_makes_its_own_pair_blocks_a_new_ca(cluster: Program) -> None:
    lab = cluster.lab
    role = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"
    binding = ("create", "clusterrolebinding", "renewal", f"--clusterrole={role}", "--group=system:nodes")
    output_of(lab, "cp1", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", *binding)
    with (lab.host("w1").root / "var/lib/kubelet/config.yaml").open("a") as config:
        config.write("rotateCertificates: true\n")
    configure(lab, "w1", "embedded")
    output_of(lab, "w1", "systemctl", "restart", "kubelet")
    own, end = "/var/lib/kubelet/pki/kubelet-client-current.pem", time.monotonic() + 60
    while lab.exec("w1", "test", "-e", own).returncode != 0:
        assert time.monotonic() < end
        time.sleep(1)
    output = cluster("plan", "rotate-certs", "--ca")
    assert output.returncode == 4
    note = f"w1: kubelet keeps its certificate in {own} and renews this certificate automatically"
    assert note in output.stdout + output.stderr
