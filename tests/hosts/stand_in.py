"""A server that answers as a ready API server, on every host of a lab; balancers and VIPs see no difference."""

from __future__ import annotations

from haconsole.configs.kubeconfig import endpoint_server, kubeconfig
from haconsole.configs.layout import KeyPairFiles
from haconsole.inventory.load import load
from haconsole.lab.lab import Lab

BACKEND = "k8s_server_6443"
FILES = KeyPairFiles("/etc/kubernetes/pki/stand-in.crt", "/etc/kubernetes/pki/stand-in.key")
HOSTS = ("cp1", "cp2", "cp3")

ANSWER = r"""#!/bin/sh
while read -r line && [ "${#line}" -gt 1 ]; do :; done
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 31\r\nConnection: close\r\n\r\n'
printf '[+]ping ok\nreadyz check passed\n'
"""

UNIT = f"""[Service]
ExecStart=socat OPENSSL-LISTEN:6443,reuseaddr,fork,verify=0,cert={FILES.cert},key={FILES.key} EXEC:/usr/local/bin/ready
Restart=always
[Install]
WantedBy=multi-user.target
"""

INSTALL = f"""
cd /etc/kubernetes/pki
openssl req -x509 -CA ca.crt -CAkey ca.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
  -subj /CN=stand-in -addext "$1" -addext basicConstraints=critical,CA:FALSE \
  -addext extendedKeyUsage=serverAuth,clientAuth -keyout {FILES.key} -out {FILES.cert} 2>/tmp/said || cat /tmp/said
chmod 600 {FILES.key}; chmod 755 /usr/local/bin/ready
systemctl enable --quiet --now stand-in
"""


def install(lab: Lab) -> None:
    """Install the servers; the balancers must be set up before, because their CA signs the certificates."""
    inventory = load(lab.inventory_path)
    for host in inventory.hosts:
        if host.name not in HOSTS:
            continue
        root = lab.host(host.name).root
        (root / "usr/local/bin/ready").write_text(ANSWER)
        (root / "etc/systemd/system/stand-in.service").write_text(UNIT)
        config = kubeconfig(inventory, user="admin", files=FILES, server=endpoint_server(inventory, host))
        (root / "etc/kubernetes/admin.conf").write_text(config)
        names = f"subjectAltName=DNS:kubernetes,DNS:{host.name},IP:{host.address},IP:{lab.spec.vip}"
        result = lab.exec(host.name, "sh", "-ec", INSTALL, "install", names)
        assert result.returncode == 0, result.stdout + result.stderr
