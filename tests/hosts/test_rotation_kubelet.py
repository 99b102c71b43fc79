"""Kubelets' certificates rotated with the others: on a control plane and a worker, with the leaves and with the CAs.

In kubelet's place runs kubectl under its name, which watches nodes: it reads the kubeconfig as kubelet does (client-go)
and is known to the API server as that node, all that a rotation of its certificate is about.
"""

from __future__ import annotations

import time

import pytest

from tests.hosts.conftest import LabMaker
from tests.hosts.kubelets import join, kubelets, output_of
from tests.hosts.program import Program
from tests.hosts.rotation import certs, rotate_ca, shared, sound

pytestmark = pytest.mark.nightly

UNIT = """[Service]
ExecStart=/usr/local/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf get nodes --watch
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A control plane and a worker, with a kubelet each: one pair embedded in its kubeconfig, one in files."""
    lab = make_lab_for_session(hosts=1, workers=1)
    program = Program(lab, tmp_path_factory.mktemp("kubelets"))
    program.events("bootstrap")
    for host, form in (("cp1", "embedded"), ("w1", "files")):
        output_of(lab, host, "ln", "-s", "/usr/bin/kubectl", "/usr/local/bin/kubelet")
        join(lab, host, form, UNIT)
    return program


def known_as_nodes(program: Program, *, within_s: float = 20.0) -> None:
    """See that each kubelet runs, and that its kubeconfig makes it known to the API server as that node."""
    ask = "systemctl is-active --quiet kubelet && kubelet --kubeconfig=/etc/kubernetes/kubelet.conf get nodes"
    end = time.monotonic() + within_s
    for host in ("cp1", "w1"):
        while (output := program.lab.exec(host, "sh", "-c", ask)).returncode != 0:
            assert time.monotonic() < end, f"{host}: {output.stderr}"
            time.sleep(0.5)


def test_the_leaves_of_kubelets(cluster: Program) -> None:
    before = kubelets(cluster)
    assert set(before) == {"cp1", "w1"}
    known_as_nodes(cluster)
    cluster.events("rotate-certs")
    output = certs(cluster)
    sound(output)
    after = kubelets(cluster)
    assert all(after[host] != before[host] for host in before)
    known_as_nodes(cluster)
    config = output_of(cluster.lab, "cp1", "cat", "/etc/kubernetes/kubelet.conf")
    assert ("client-key: /etc/kubernetes/pki/kubelet.key" in config, "client-key-data" in config) == (True, False)
    assert output_of(cluster.lab, "cp1", "stat", "-c", "%a", "/etc/kubernetes/pki/kubelet.key") == "600\n"


def test_the_cas_that_kubelets_trust_and_were_signed_by(cluster: Program) -> None:
    before, older = kubelets(cluster), shared(certs(cluster))["kubernetes-ca"]
    for phase in ("trust", "leaves", "drop"):
        rotate_ca(cluster, "--phase", phase)
        known_as_nodes(cluster)
    output = certs(cluster)
    sound(output)
    trusted = {one["fingerprint"] for one in output["certificates"] if one["path"] == "/etc/kubernetes/pki/ca.crt"}
    assert len(trusted) == 1
    assert trusted.isdisjoint(older)
    assert all(print_ != before[host] for host, print_ in kubelets(cluster).items())
