"""The sample inventories of kubeadm clusters on a lab's hosts: their names and settings, with the lab's addresses.

A balancer that a sample does not describe is an haproxy on a host that the sample has no name for. It knows the
control planes from the start and checks them, as the sample's comment requires.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from haconsole.lab.lab import Lab
from tests.hosts.kubeadm_changes import KubeadmLab
from tests.hosts.kubeadm_cluster import ADMIN, output
from tests.hosts.program import Program

SAMPLES = Path(__file__).parents[2] / "sample-inventories"
CNI = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "network", "namespace": "kube-system"}}
"""In place of a pod network's manifest: hosts of labs have a network for their pods."""
_HAPROXY = """global
    maxconn 2000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend apiserver
    bind *:{port}
    default_backend apiservers
backend apiservers
    option httpchk GET /readyz
    http-check expect status 200
    default-server check check-ssl verify none inter 1s fall 3 rise 1
{servers}
"""


class KubeadmSample(KubeadmLab):
    """The program on a sample's inventory; `hosts` are the lab's hosts by their names in the sample."""

    def __init__(self, lab: Lab, folder: Path, name: str, hosts: Mapping[str, str]) -> None:
        super().__init__(lab, folder)
        self.hosts = dict(hosts)
        self.text: dict[str, Any] = yaml.safe_load((SAMPLES / name).read_text())
        assert [host["name"] for host in self.text["hosts"]] == list(hosts), f"{name} has other hosts"
        self._use_addresses()
        self._use_settings()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.hosts)

    def with_role(self, role: str) -> tuple[str, ...]:
        """Names in the sample of the hosts with a role."""
        return tuple(host["name"] for host in self.text["hosts"] if role in host["roles"])

    def of(self, *hosts: str) -> Program:
        """The program on the complete sample, whichever hosts are given."""
        path = self.folder / "sample.yaml"
        path.write_text(yaml.safe_dump(self.text, sort_keys=False))
        return Program(self.lab, self.folder / "state", path)

    def real(self, name: str) -> str:
        """The lab's name of a host of the sample."""
        return self.hosts[name]

    def kubectl(self, *argv: str) -> str:
        """kubectl's output on the first control plane."""
        first = self.hosts[self.with_role("control-plane")[0]]
        return output(self.lab, first, "kubectl", f"--kubeconfig={ADMIN}", "--request-timeout=10s", *argv)

    def balance_outside(self, balancer: str, address: str) -> None:
        """Have haproxy on a host of the lab lead the sample's endpoint, a name, to the control planes."""
        name, _, port = self.text["kubernetes"]["endpoint"].rpartition(":")
        servers = (f"    server {one} {self._address(one)}:6443" for one in self.with_role("control-plane"))
        root = self.lab.host(balancer).root
        (root / "etc/haproxy").mkdir(exist_ok=True)
        (root / "etc/haproxy/haproxy.cfg").write_text(_HAPROXY.format(port=port, servers="\n".join(servers)))
        output(self.lab, balancer, "systemctl", "enable", "--quiet", "haproxy")
        output(self.lab, balancer, "systemctl", "restart", "haproxy")
        for host in self.lab.spec.hosts:
            with (self.lab.host(host.name).root / "etc/hosts").open("a") as file:
                file.write(f"{address} {name}\n")

    def _address(self, name: str) -> str:
        return self.lab.spec.host(self.hosts[name]).address

    def _use_addresses(self) -> None:
        for host in self.text["hosts"]:
            host["address"] = self._address(host["name"])
            host.pop("ssh_address", None)
        for vip in self.text.get("vips", ()):
            vip["address"] = f"{self.lab.spec.vip}/24"

    def _use_settings(self) -> None:
        """The login, version and networks of the lab, and the settings that its hosts need beside the sample's."""
        lab = yaml.safe_load(self.lab.inventory_path.read_text())
        self.text["ssh"] = {
            **lab["ssh"],
            **{key: self.text["ssh"][key] for key in ("jump",) if key in self.text["ssh"]},
        }
        here, there = self.text["kubernetes"], lab["kubernetes"]
        for key in ("version", "pod_cidr", "service_cidr"):
            here[key] = there[key]
        settings = here.setdefault("kubeadm", {})
        for key, value in there["kubeadm"].items():
            settings[key] = {**settings.get(key, {}), **value} if isinstance(value, dict) else value
        if manifest := settings.get("cni"):
            (self.folder / manifest).write_text(yaml.safe_dump(CNI))

    def use_pair(self, source: Path) -> None:
        """The files of an etcd's owner at the places that the sample names."""
        external = self.text["etcd"]["external"]
        external["endpoints"] = [
            f"https://{host.address}:2379" for host in self.lab.spec.hosts if host.name.startswith("etcd")
        ]
        files = {
            "ca_cert": "etcd/ca.crt",
            "client_cert": "apiserver-etcd-client.crt",
            "client_key": "apiserver-etcd-client.key",
        }
        for key, file in files.items():
            target = self.folder / external[key]
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source / file, target)
