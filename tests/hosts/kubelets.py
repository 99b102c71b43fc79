"""Kubelets on a lab's hosts: their certificates, their kubeconfigs, and how they are joined to a cluster."""

from __future__ import annotations

from haconsole.lab.lab import Lab
from tests.hosts.program import Program
from tests.hosts.rotation import certs

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
systemctl daemon-reload
systemctl enable --now --quiet kubelet
"""


def join(lab: Lab, host: str, form: str, unit: str) -> None:
    """Have the cluster's CA sign a kubelet's certificate, and kubelet use it: in its kubeconfig itself, or in files."""
    output_of(lab, host, "sh", "-c", JOIN, "join", host)
    request = lab.host("cp1").root / "root" / "node.csr"
    request.write_bytes((lab.host(host).root / "var/lib/kubelet/pki/client.csr").read_bytes())
    pki = "/etc/kubernetes/pki"
    openssl = f"openssl x509 -req -in /root/node.csr -CA {pki}/ca.crt -CAkey {pki}/ca.key -days 365 -out /root/node.crt"
    extension = "-extfile /dev/stdin <<END\nextendedKeyUsage=clientAuth\nEND\n"
    output_of(lab, "cp1", "sh", "-c", f"{openssl} {extension}")
    for name, path in (("root/node.crt", "var/lib/kubelet/pki/client.crt"), (f"{pki[1:]}/ca.crt",) * 2):
        (lab.host(host).root / path).write_bytes((lab.host("cp1").root / name).read_bytes())
    (lab.host(host).root / "etc/systemd/system/kubelet.service").write_text(unit)
    configure(lab, host, form)


def configure(lab: Lab, host: str, form: str) -> None:
    """Write the kubeconfig with the pair in kubelet's folder, and start kubelet."""
    output_of(lab, host, "sh", "-c", CONFIG, "config", form, f"https://{lab.spec.vip}:8443")


def output_of(lab: Lab, host: str, *argv: str) -> str:
    result = lab.exec(host, *argv)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def kubelets(program: Program) -> dict[str, str]:
    """The fingerprint of each host's kubelet."""
    return {one["host"]: one["fingerprint"] for one in certs(program)["certificates"] if one["role"] == "kubelet"}
