"""Real kubelets on a lab's hosts, with containerd below them: nodes that keep their leases, and run no pods."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from haconsole.lab import kubernetes_build, kubernetes_release
from haconsole.lab.commands import run
from haconsole.lab.kubernetes_binaries import VERSION
from haconsole.lab.lab import Lab
from haconsole.lab.progress import Silent
from tests.hosts.kubelets import output_of
from tests.hosts.load import Load

GRACE_S = 40
"""So old may a lease be before the node is given up: the controller manager's own node-monitor-grace-period."""
PROGRAMS = ("usr/bin/containerd", "usr/bin/containerd-shim-runc-v2", "usr/sbin/runc")
UNIT = """[Unit]
After=containerd.service
[Service]
ExecStart=/usr/local/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml \\
  --container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""
FILES = {
    "var/lib/kubelet/config.yaml": """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}}
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
""",
    "etc/containerd/config.toml": """version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
""",
    "etc/cni/net.d/10-pods.conflist": '{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge"}]}',
    "etc/systemd/system/containerd.service": "[Service]\nType=notify\nExecStart=/usr/bin/containerd\n",
}
FIT = r"""
set -e; shown=/run/shown; mkdir -p $shown
for tree in /sys/fs/cgroup/*; do ! mountpoint -q "$tree" || mount -o remount,rw,bind "$tree"; done
[ -e /dev/kmsg ] || ln -s null /dev/kmsg
for one in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1; do
  name=${one%=*}; echo "${one#*=}" >$shown/${name#*/}; mount --bind $shown/${name#*/} /proc/sys/$name; done
systemctl daemon-reload; systemctl start containerd
"""
"""kubelet writes control groups, reads the kernel's log and sets four of its values, here files of the host's own."""


def programs(folder: Path) -> Path:
    """A folder with kubelet, of HACONSOLE_KUBELET or made now (minutes), and Debian's containerd and runc."""
    kubelet = os.environ.get("HACONSOLE_KUBELET")
    if kubelet:
        shutil.copy(kubelet, folder / "kubelet")
    elif kubernetes_release.is_reachable(VERSION):
        kubernetes_release.download(VERSION, ("kubelet",), folder, Silent())
    else:
        kubernetes_build.build(("kubelet",), folder, Silent())
    run(("apt-get", "-o", "APT::Sandbox::User=root", "download", "containerd", "runc"), deadline_s=120, folder=folder)
    for package in folder.glob("*.deb"):
        run(("dpkg-deb", "-x", str(package), str(folder)))
    return folder


def furnish(lab: Lab, host: str, programs: Path) -> None:
    """Put the programs and what they read on the host, and start containerd."""
    root = lab.host(host).root
    shutil.copy(programs / "kubelet", root / "usr/local/bin/kubelet")
    for program in PROGRAMS:
        shutil.copy(programs / program, root / program)
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    output_of(lab, host, "sh", "-c", FIT)


class Nodes(Load):
    """Looks at nodes and their leases once a second, as far as an API server answers."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self._lab = lab
        self.renewed: dict[str, list[float]] = {host.name: [0.0] for host in lab.spec.hosts}
        self.states: set[str] = set()

    def _run(self) -> None:
        kubectl = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--request-timeout=5s", "get", "-o", "json")
        while not self._over.wait(1.0):
            output = self._lab.exec("cp1", *kubectl, "--namespace=kube-node-lease", "leases,nodes")
            for one in json.loads(output.stdout)["items"] if output.returncode == 0 else ():
                self._take(one)
                self.counts.successes += 1

    def _take(self, one: dict[str, Any]) -> None:
        name = one["metadata"]["name"]
        if one["kind"] == "Lease":
            self.renewed[name].append(datetime.fromisoformat(one["spec"]["renewTime"]).timestamp())
        else:
            ready = next(each for each in one["status"]["conditions"] if each["type"] == "Ready")
            self.states.add(f"{name} {ready['status']}")

    def wait_renewed(self, *, within_s: float = GRACE_S) -> None:
        """Wait until every node renewed its lease after now."""
        now = time.time()
        while any(times[-1] < now for times in self.renewed.values()):
            assert time.time() < now + within_s, self.renewed
            time.sleep(0.5)

    def longest_s(self) -> dict[str, float]:
        """The longest time without a renewal of each node's lease."""
        return {host: max(b - a for a, b in pairwise(times[1:])) for host, times in self.renewed.items()}
