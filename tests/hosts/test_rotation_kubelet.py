"""Kubelets' certificates rotated with the others: on a control plane and a worker, with the leaves and with the CAs.

In kubelet's place runs kubectl under its name, which watches nodes: it reads the kubeconfig as kubelet does (client-go)
and is known to the API server as that node, all that a rotation of its certificate is about.
"""

from __future__ import annotations

import time

import pytest

from haconsole.lab.lab import Lab
from tests.hosts.conftest import LabMaker
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

JOIN = r"""
set -e; node=$1 kept=/var/lib/kubelet/pki
mkdir -p /etc/kubernetes/pki "$kept"; chmod 700 "$kept"; umask 077
openssl ecparam -name prime256v1 -genkey -noout -out "$kept/client.key"
openssl req -new -key "$kept/client.key" -subj "/O=system:nodes/CN=system:node:$node" -out "$kept/client.csr"
"""

CONFIG = r"""
set -e; umask 077; form=$1 server=$2 kept=/var/lib/kubelet/pki
if [ "$form" = embedded ]; then
  user=$(printf '\n    client-certificate-data: %s\n    client-key-data: %s' \
    "$(base64 -w0 "$kept/client.crt")" "$(base64 -w0 "$kept/client.key")")
  rm "$kept/client.crt" "$kept/client.key"
else
  user=$(printf '\n    client-certificate: %s\n    client-key: %s' "$kept/client.crt" "$kept/client.key")
fi
cat >/etc/kubernetes/kubelet.conf <<END
apiVersion: v1
kind: Config
clusters:
- name: here
  cluster:
    certificate-authority: /etc/kubernetes/pki/ca.crt
    server: $server
contexts:
- {name: here, context: {cluster: here, user: node}}
current-context: here
users:
- name: node
  user:$user
END
ln -sf "$(command -v kubectl)" /usr/local/bin/kubelet
systemctl daemon-reload
systemctl enable --now --quiet kubelet
"""


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A control plane and a worker, with a kubelet each: one pair embedded in its kubeconfig, one in files."""
    lab = make_lab_for_session(hosts=1, workers=1)
    program = Program(lab, tmp_path_factory.mktemp("kubelets"))
    program.events("bootstrap")
    server = f"https://{lab.spec.vip}:8443"
    for host, form in (("cp1", "embedded"), ("w1", "files")):
        join(lab, host, server, form)
    return program


def join(lab: Lab, host: str, server: str, form: str) -> None:
    """Have a kubelet's certificate signed by the cluster's CA, and kubelet use it."""
    said(lab, host, "sh", "-c", JOIN, "join", host)
    request = lab.host("cp1").root / "root" / "node.csr"
    request.write_bytes((lab.host(host).root / "var/lib/kubelet/pki/client.csr").read_bytes())
    pki = "/etc/kubernetes/pki"
    openssl = f"openssl x509 -req -in /root/node.csr -CA {pki}/ca.crt -CAkey {pki}/ca.key -days 365 -out /root/node.crt"
    extension = "-extfile /dev/stdin <<END\nextendedKeyUsage=clientAuth\nEND\n"
    said(lab, "cp1", "sh", "-c", f"{openssl} {extension}")
    for name, path in (("root/node.crt", "var/lib/kubelet/pki/client.crt"), (f"{pki[1:]}/ca.crt",) * 2):
        (lab.host(host).root / path).write_bytes((lab.host("cp1").root / name).read_bytes())
    (lab.host(host).root / "etc/systemd/system/kubelet.service").write_text(UNIT)
    said(lab, host, "sh", "-c", CONFIG, "config", form, server)


def said(lab: Lab, host: str, *argv: str) -> str:
    done = lab.exec(host, *argv)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kubelets(program: Program) -> dict[str, str]:
    """The fingerprint of each host's kubelet."""
    return {one["host"]: one["fingerprint"] for one in certs(program)["certificates"] if one["role"] == "kubelet"}


def known_as_nodes(program: Program, *, within_s: float = 20.0) -> None:
    """See that each kubelet runs, and that its kubeconfig makes it known to the API server as that node."""
    ask = "systemctl is-active --quiet kubelet && kubelet --kubeconfig=/etc/kubernetes/kubelet.conf get nodes"
    end = time.monotonic() + within_s
    for host in ("cp1", "w1"):
        while (told := program.lab.exec(host, "sh", "-c", ask)).returncode != 0:
            assert time.monotonic() < end, f"{host}: {told.stderr}"
            time.sleep(0.5)


def test_the_leaves_of_kubelets(cluster: Program) -> None:
    before = kubelets(cluster)
    assert set(before) == {"cp1", "w1"}
    known_as_nodes(cluster)
    cluster.events("rotate-certs")
    told = certs(cluster)
    sound(told)
    after = kubelets(cluster)
    assert all(after[host] != before[host] for host in before)
    known_as_nodes(cluster)
    config = said(cluster.lab, "cp1", "cat", "/etc/kubernetes/kubelet.conf")
    assert ("client-key: /etc/kubernetes/pki/kubelet.key" in config, "client-key-data" in config) == (True, False)
    assert said(cluster.lab, "cp1", "stat", "-c", "%a", "/etc/kubernetes/pki/kubelet.key") == "600\n"


def test_the_cas_that_kubelets_trust_and_were_signed_by(cluster: Program) -> None:
    before, older = kubelets(cluster), shared(certs(cluster))["kubernetes-ca"]
    for phase in ("trust", "leaves", "drop"):
        rotate_ca(cluster, "--phase", phase)
        known_as_nodes(cluster)
    told = certs(cluster)
    sound(told)
    trusted = {one["fingerprint"] for one in told["certificates"] if one["path"] == "/etc/kubernetes/pki/ca.crt"}
    assert len(trusted) == 1
    assert trusted.isdisjoint(older)
    assert all(print_ != before[host] for host, print_ in kubelets(cluster).items())
