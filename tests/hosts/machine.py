"""What this machine has of a lab, seen with the machine's own tools rather than the lab's code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from haconsole.lab.lab import Lab


def traces(lab: Lab) -> dict[str, list[str]]:
    """Everything on the machine that bears the lab's name, by kind; empty when nothing does."""
    seen = {
        "mounts": [line.split()[1] for line in _lines("/proc/self/mounts") if f"/{lab.name}/" in line],
        "namespaces": [line for line in _said("ip", "netns").splitlines() if f"haconsole-{lab.name}" in line],
        "links": [link["ifname"] for link in json.loads(_said("ip", "-j", "link")) if lab.name in link["ifname"]],
        "routes": [line for line in _said("ip", "route", "show", "table", "all").splitlines() if lab.name in line],
        "groups": _said("find", "/sys/fs/cgroup", "-path", f"*/haconsole/{lab.name}*").split(),
        "processes": [line for line in _said("ps", "-ww", "-eo", "pid,args").splitlines() if f"{lab.name}-" in line],
        "nspawn": [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{lab.name}-*")],
        "files": [str(path) for path in lab.places.state.glob(f"*{lab.name}*")],
    }
    return {kind: found for kind, found in seen.items() if found}


def login(
    lab: Lab, host: str, *command: str, user: str = "ops", jump: bool = False
) -> subprocess.CompletedProcess[str]:
    """Log in with the ssh of this machine and the lab's own key and known_hosts, strictly, and run a command."""
    spec = lab.spec
    base = (
        *("-F", "none", "-i", str(lab.folder / "key"), "-o", f"UserKnownHostsFile={lab.folder / 'known_hosts'}"),
        *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3"),
    )
    through: tuple[str, ...] = ()
    if jump:
        words = " ".join(("ssh", *base, "-W", "%h:%p", f"{user}@{spec.host('bastion').address}"))
        through = ("-o", f"ProxyCommand={words}")
    argv = ("ssh", "-n", *base, *through, f"{user}@{spec.host(host).address}", *command)
    return subprocess.run(argv, capture_output=True, text=True, timeout=30)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=30).stdout
