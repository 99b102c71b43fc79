"""The check of hosts for kubeadm: everything missing is listed at once, each with its fix."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from haconsole.actions.kubeadm.join import INSTALLED

pytestmark = pytest.mark.usefixtures("posix_shell")
SWAPS = "Filename Type Size Used Priority\n"
IP_FORWARD = "FileContent--proc-sys-net-ipv4-ip_forward"


class Host:
    """A folder with the programs, settings and the runtime's socket of a host that is ready."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = folder / "containerd.sock"
        self.program("kubeadm", "v1.31.4")
        self.program("kubelet", "Kubernetes v1.31.4")
        self.program("containerd", "SystemdCgroup = true")
        for name in ("conntrack", "iptables", "ip", "mount", "nsenter"):
            self.program(name, "")
        self.write("proc/swaps", SWAPS)
        self.write("proc/sys/net/ipv4/ip_forward", "1\n")
        self.write("proc/sys/net/bridge/bridge-nf-call-iptables", "1\n")

    def program(self, name: str, text: str) -> None:
        self.write(f"bin/{name}", f"#!/bin/sh\necho '{text}'\n")
        (self.folder / "bin" / name).chmod(0o755)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def problems(self, *, driver: str = "systemd", swap: str = "off", ignored: str = "") -> list[str]:
        environment = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "HACONSOLE_PROC": f"{self.folder}/proc",
            "HACONSOLE_ETC": f"{self.folder}/etc",
        }
        argv = ("sh", "-c", INSTALLED, "installed", "1.31", driver, swap, ignored, str(self.runtime))
        result = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=20)
        assert (result.returncode == 0) == (result.stdout == ""), result.stderr
        return [line.partition(": ")[0] for line in result.stdout.splitlines()]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    ready = Host(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(ready.runtime))
        yield ready


def test_a_host_that_is_ready_has_no_problem(host: Host) -> None:
    assert host.problems() == []


def test_everything_missing_is_listed_at_once(host: Host) -> None:
    host.program("kubelet", "Kubernetes v1.30.9")
    host.program("containerd", "SystemdCgroup = false")
    host.write("etc/containerd/config.toml", 'disabled_plugins = ["cri"]\n')
    host.write("proc/swaps", f"{SWAPS}/dev/sda2 partition 1 0 -2\n")
    host.write("proc/sys/net/ipv4/ip_forward", "0\n")
    (host.folder / "proc/sys/net/bridge/bridge-nf-call-iptables").unlink()
    assert host.problems() == [
        "kubelet is v1.30.9",
        "the cgroup driver of containerd is cgroupfs, and of kubelet systemd",
        "containerd's CRI plugin is disabled",
        "swap is on",
        "net.ipv4.ip_forward is 0",
        "net.bridge.bridge-nf-call-iptables is absent",
    ]


def test_settings_of_the_inventory_allow_what_they_name(host: Host) -> None:
    host.program("containerd", "SystemdCgroup = false")
    host.write("proc/swaps", f"{SWAPS}/dev/sda2 partition 1 0 -2\n")
    host.write("proc/sys/net/ipv4/ip_forward", "0\n")
    assert host.problems(driver="cgroupfs", swap="allowed", ignored=f"NumCPU,{IP_FORWARD}") == []
    assert host.problems(driver="cgroupfs", ignored=f"Swap,{IP_FORWARD}") == []


def test_a_runtime_that_does_not_listen_and_a_program_that_is_not_installed(host: Host) -> None:
    host.runtime.unlink()
    (host.folder / "bin/kubeadm").unlink()
    assert host.problems() == ["kubeadm is not installed", f"no container runtime listens at {host.runtime}"]
