"""Hosts with only sshd and sudo become a cluster: packages come from a repository that the test serves.

The hosts are containers, so swap, kernel modules and the clock are not theirs; their scripts run on substitutes in
tests/unit/actions/test_prepare_scripts.py. dnf, SELinux and firewalld are compared with kept commands only.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from tests.hosts.apt_repository import Repository
from tests.hosts.conftest import LabMaker, Tell
from tests.hosts.kubeadm_cluster import STACKED, output
from tests.hosts.program import Program

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.nightly,
    pytest.mark.skipif(shutil.which("dpkg-scanpackages") is None, reason="dpkg-dev is not installed"),
]
HOSTS = ("cp1", "w1")
CNI = "containernetworking-plugins"
TAKEN = ("containerd", "runc", "conntrack", "iptables", "ethtool", "haproxy", "keepalived", CNI)
"""Packages that every host loses, and the repository offers."""
NFTABLES = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    tcp dport 22 accept
    ip saddr 10.0.0.0/8 accept
  }
}
"""
CONFIG = "/etc/containerd/config.toml"


def make_bare(lab: Lab) -> None:
    """Remove all software of a cluster; the settings of containerd that a container needs stay, with two faults."""
    for name in HOSTS:
        output(lab, name, "systemctl", "disable", "--now", "--quiet", "kubelet", "containerd")
        output(lab, name, "dpkg", "--remove", *TAKEN, "ebtables", deadline_s=120)
        files = ("kubelet", "kubeadm", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
        output(lab, name, "rm", "-f", *(f"/usr/local/bin/{file}" for file in files))
        output(lab, name, "rm", "-rf", "/etc/systemd/system/kubelet.service", "/etc/systemd/system/kubelet.service.d")
        config = lab.host(name).root / CONFIG.removeprefix("/")
        text = (
            config.read_text()
            .replace("pause:3.2", "pause:0.1")
            .replace("SystemdCgroup = false", "SystemdCgroup = true")
        )
        config.write_text(
            text.replace("version = 2\n", 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        )
        (lab.host(name).root / "etc/nftables.conf").write_text(NFTABLES)
        output(lab, name, "nft", "-f", "/etc/nftables.conf")
        output(lab, name, "systemctl", "daemon-reload")


def inventory_with(lab: Lab, repository: Repository, source: str, folder: Path) -> Path:
    text = lab.inventory_path.read_text()
    part = {"repositories": [{"name": "test", "apt": source, "key": str(repository.key)}]}
    path = folder / "inventory.yaml"
    path.write_text(f"{text}\npreparation: {json.dumps(part)}\n")
    return path


def state(lab: Lab, name: str) -> dict[str, str]:
    """The state of a host that undo must restore."""
    packages = output(lab, name, "dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n").splitlines()
    rules = output(lab, name, "nft", "list", "ruleset")
    return {
        "packages": "\n".join(line for line in packages if line.startswith("ii")),
        "held": output(lab, name, "apt-mark", "showhold"),
        "config": output(lab, name, "cat", CONFIG),
        "nftables": output(lab, name, "cat", "/etc/nftables.conf"),
        "rules": rules,
        "sources": output(lab, name, "ls", "/etc/apt/sources.list.d"),
        "sysctl.d": output(lab, name, "ls", "/etc/sysctl.d"),
        "ip_forward": output(lab, name, "cat", "/proc/sys/net/ipv4/ip_forward"),
        "enabled": output(lab, name, "systemctl", "list-unit-files", "--state=enabled", "--no-legend", "--plain"),
    }


def test_bare_hosts_are_prepared_undone_and_made_a_cluster(make_lab: LabMaker, tmp_path: Path, tell: Tell) -> None:
    lab = make_lab(hosts=1, workers=1, kubeadm=STACKED)
    repository = Repository(tmp_path)
    repository.download(*TAKEN)
    repository.pack_kubernetes(lab)
    repository.sign()
    make_bare(lab)
    before = {name: state(lab, name) for name in HOSTS}
    with repository.served(lab.spec.machine_address) as source:
        program = Program(lab, tmp_path / "state", inventory_with(lab, repository, source, tmp_path))
        events = program.events("prepare")
        assert events[-1]["outcome"] == "done", events[-1]
        second = program.events("prepare")
        assert (second[-1]["outcome"], second[-1]["changed"]) == ("already", 0)
        for name in HOSTS:
            check_prepared(lab, name)
        undone = program.verb("undo", str(events[0]["run"]), "--yes", "--json")
        assert undone.returncode == 0, undone.stdout[-3000:] + undone.stderr[-3000:]
        for name in HOSTS:
            after = state(lab, name)
            assert {key: after[key] for key in after if after[key] != before[name][key]} == {}
        result = program.events("bootstrap")
        assert result[-1]["outcome"] == "done"
        prepared = {event["step"] for event in result if str(event.get("step", "")).startswith("prepare.packages@")}
        assert prepared == {f"prepare.packages@{name}" for name in HOSTS}
        repeated = program.events("bootstrap")
        assert repeated[-1]["changed"] == 0
        tell("steps of a bootstrap from bare hosts", steps=result[-1]["changed"])


def check_prepared(lab: Lab, name: str) -> None:
    assert output(lab, name, "kubelet", "--version") == "Kubernetes v1.20.2\n"
    holder = set(output(lab, name, "apt-mark", "showhold").split())
    assert {"kubelet", "kubeadm", "containerd"} <= holder
    config = output(lab, name, "cat", CONFIG)
    assert "pause:3.2" in config
    assert "disabled_plugins = []" in config
    assert "SystemdCgroup = false" in config
    assert "restrict_oom_score_adj = true" in config
    assert output(lab, name, "systemctl", "is-active", "containerd") == "active\n"
    assert output(lab, name, "systemctl", "is-enabled", "kubelet") == "enabled\n"
    assert output(lab, name, "cat", "/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert "tcp dport 10250 accept" in output(lab, name, "nft", "list", "ruleset")
    if name == "cp1":
        assert {"haproxy", "keepalived"} <= holder
        for unit in ("haproxy", "keepalived"):
            assert lab.exec(name, "systemctl", "is-active", unit).stdout == "inactive\n"
            assert lab.exec(name, "systemctl", "is-enabled", unit).stdout == "disabled\n"
