"""The parts of a lab on this machine, seen with the machine's own tools rather than the lab's code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from haconsole.lab.lab import Lab

KEEPALIVED = """\
vrrp_instance practice {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.2
    virtual_ipaddress {{ {vip}/24 }}
}}
"""


def start_keepalived(lab: Lab) -> None:
    """Let every host of a bare lab want the lab's VIP, the first the most, with adverts five times a second."""
    for number, host in enumerate(lab.spec.hosts):
        text = KEEPALIVED.format(priority=110 - 10 * number, vip=lab.spec.vip)
        (lab.host(host.name).root / "etc/keepalived/keepalived.conf").write_text(text)
        started = lab.exec(host.name, "systemctl", "start", "keepalived")
        assert started.returncode == 0, started.stderr


def vip_holders(lab: Lab) -> list[str]:
    """The running hosts that have the lab's VIP on an interface."""
    running = [host.name for host in lab.status() if host.running]
    return [name for name in running if f" {lab.spec.vip}/" in lab.exec(name, "ip", "-4", "-br", "address").stdout]


def traces(lab: Lab) -> dict[str, list[str]]:
    """Everything on the machine that bears the lab's name, by kind; empty when nothing does."""
    reading = {
        "mounts": [line.split()[1] for line in _lines("/proc/self/mounts") if f"/{lab.name}/" in line],
        "namespaces": [line for line in _output_of("ip", "netns").splitlines() if f"haconsole-{lab.name}" in line],
        "links": [link["ifname"] for link in json.loads(_output_of("ip", "-j", "link")) if lab.name in link["ifname"]],
        "routes": [line for line in _output_of("ip", "route", "show", "table", "all").splitlines() if lab.name in line],
        "groups": _output_of("find", "/sys/fs/cgroup", "-path", f"*/haconsole/{lab.name}*").split(),
        "processes": [
            line for line in _output_of("ps", "-ww", "-eo", "pid,args").splitlines() if f"{lab.name}-" in line
        ],
        "nspawn": [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{lab.name}-*")],
        "files": [str(path) for path in lab.places.state.glob(f"*{lab.name}*")],
    }
    return {kind: result for kind, result in reading.items() if result}


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


def _output_of(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=30).stdout
