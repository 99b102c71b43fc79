"""The script that reads a host's platform, run on folders with the files and programs of each family of systems."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.model.platform import FirewallTool, PackageTool, PlatformFacts
from haconsole.probes.hosts import platform
from haconsole.probes.script import SectionAnswer, with_arguments
from haconsole.scripts import load_script

pytestmark = pytest.mark.usefixtures("posix_shell")
NEEDED = ("cat", "find", "grep", "head", "sed", "tr", "awk", "uname", "printf")
WORDS = ("containerd.io", "kubelet", "--", "containerd", "kubelet", "--", "overlay", "--", "net.ipv4.ip_forward")


class Machine:
    """A root folder, and programs that are found only there, beside the usual tools."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.bin = folder / "bin"
        self.bin.mkdir()
        shell = Path(os.environ["PATH"].partition(":")[0]) / "sh"
        (self.bin / "sh").symlink_to(shell)
        for name in NEEDED:
            tool = next((p for d in ("/usr/bin", "/bin") if (p := Path(d) / name).exists()), None)
            if tool:
                (self.bin / name).symlink_to(tool)
        self.file("proc/swaps", "Filename Type Size Used Priority\n")
        self.program("systemctl", "exit 3")

    def file(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def program(self, name: str, body: str) -> None:
        (self.bin / name).write_text(f"#!{self.bin}/sh\n{body}\n")
        (self.bin / name).chmod(0o755)

    def facts(self) -> PlatformFacts:
        text = with_arguments(load_script("platform"), *WORDS)
        text = text.replace("PATH=$PATH:/usr/local/bin:/usr/bin:/usr/sbin:/sbin\n", "")
        environment = {"PATH": str(self.bin), "HACONSOLE_ROOT": str(self.root)}
        result = subprocess.run(
            (str(self.bin / "sh"), "-c", text), env=environment, capture_output=True, text=True, timeout=20, check=True
        )
        assert result.stderr == ""
        return platform.parse(SectionAnswer("platform", result.stdout, "", 0))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_host_of_the_red_hat_family(machine: Machine) -> None:
    machine.file("etc/os-release", 'ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n')
    machine.file("etc/fstab", "# disks\n/dev/sda1 / xfs defaults 0 0\n/dev/mapper/rl-swap none swap defaults 0 0\n")
    machine.file("proc/swaps", "Filename Type Size Used Priority\n/dev/dm-1 partition 4194300 0 -2\n")
    machine.file("proc/sys/net/ipv4/ip_forward", "0\n")
    machine.file("etc/dnf/plugins/versionlock.list", "kubelet-0:1.31.4-150500.1.1.*\n")
    machine.file("etc/dnf/dnf.conf", "[main]\nexcludepkgs=kernel*, containerd.io\n")
    machine.file("etc/containerd/config.toml", 'disabled_plugins = ["cri"]\n')
    machine.program("dnf", "exit 1")
    machine.program("rpm", 'case "$*" in *containerd.io*) printf 1.6.32-3.1.el9 ;; *) exit 1 ;; esac')
    machine.program("getenforce", "echo Enforcing")
    machine.program("firewall-cmd", '[ "$1" = --list-rich-rules ] || echo "6443/tcp 30000-32767/tcp"')
    units = "firewalld|chronyd) exit 0"
    machine.program("systemctl", f'case "$1:$3" in is-active:{units.replace("|", "|is-active:")} ;; *) exit 3 ;; esac')
    dump = 'sandbox_image = "registry.k8s.io/pause:3.6"\n  SystemdCgroup = false\n  bin_dir = "/opt/cni/bin"'
    machine.program("containerd", f"case $1 in --version) echo containerd v1.6.32 ;; *) echo '{dump}' ;; esac")
    facts = machine.facts()
    assert (facts.os, facts.version, facts.tool) == ("rocky", "9.4", PackageTool.DNF)
    assert (facts.selinux, facts.firewall, facts.time_service) == ("enforcing", FirewallTool.FIREWALLD, "chronyd")
    assert facts.open_ports == ("6443/tcp", "30000-32767/tcp")
    assert facts.swap == ("/dev/dm-1",)
    assert facts.swap_lines == ("/dev/mapper/rl-swap none swap defaults 0 0",)
    assert facts.sysctl("net.ipv4.ip_forward") == "0"
    runtime, package, kubelet = facts.runtime, facts.package("containerd.io"), facts.package("kubelet")
    assert runtime is not None
    assert (runtime.cgroup_driver, runtime.cri_disabled, runtime.cni_folder) == ("cgroupfs", True, "/opt/cni/bin")
    assert runtime.sandbox_image == "registry.k8s.io/pause:3.6"
    assert package is not None
    assert (package.installed, package.is_held) == ("1.6.32-3.1.el9", True)
    assert kubelet is not None
    assert kubelet.is_held


def test_a_bare_host_with_apt(machine: Machine) -> None:
    machine.file("etc/os-release", 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n')
    machine.program("apt-get", "exit 1")
    machine.program("apt-mark", "echo kubelet")
    policy = "kubelet:\n  Installed: (none)\n  Candidate: 1.31.4-1.1\n  Version table:"
    machine.program("apt-cache", f"echo '{policy}'")
    machine.program(
        "ufw", "printf 'Status: active\\n\\n22/tcp  ALLOW  Anywhere\\n30000:32767/tcp ALLOW IN Anywhere\\n'"
    )
    facts = machine.facts()
    assert (facts.os, facts.tool, facts.lists, facts.runtime) == ("ubuntu", PackageTool.APT, False, None)
    kubelet = facts.package("kubelet")
    assert kubelet is not None
    assert (kubelet.installed, kubelet.candidate, kubelet.is_held) == ("", "1.31.4-1.1", True)
    assert (facts.firewall, facts.open_ports) == (FirewallTool.UFW, ("22/tcp", "30000-32767/tcp"))
    assert (facts.selinux, facts.swap, facts.modules, facts.programs) == ("", (), (), ())


def test_rules_of_nftables(machine: Machine) -> None:
    machine.file("etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian\n")
    rules = (
        "table inet filter {\n chain input {\n  type filter hook input priority filter; policy drop;\n"
        "  tcp dport { 22, 6443 } accept\n  tcp dport 10250 counter accept\n  ip protocol vrrp accept\n }\n}"
    )
    machine.program("nft", f"echo '{rules}'")
    facts = machine.facts()
    assert facts.firewall is FirewallTool.NFTABLES
    assert facts.open_ports == ("22/tcp", "6443/tcp", "10250/tcp", "vrrp")
