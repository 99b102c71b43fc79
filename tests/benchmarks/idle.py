"""Cost of the console while nothing happens: processor and memory here, processor on each host.

    python tests/benchmarks/idle.py LAB [--seconds N]

LAB is a bootstrapped practice cluster that is up. The same hosts are measured first without the console and then with
it, and the ratio is printed; what the console itself takes is a process of this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from haconsole.lab.lab import Lab
from tests.benchmarks.time_to_screen import wait_for
from tests.hosts.terminal import Terminal


def used_by(lab: Lab) -> dict[str, float]:
    """Processor seconds of each host so far, everything on it counted."""
    return {host.name: _group_seconds(host.pid) for host in lab.status() if host.pid}


def _group_seconds(pid: int) -> float:
    """`usage_usec` of a host with all its processes, by its process 1 (cgroup v2, cpu.stat)."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    root = next(fields[1] for fields in mounts if fields[2] == "cgroup2")
    group = next(line for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines() if line.startswith("0::"))
    whole = Path(root, group.removeprefix("0::/"))
    while whole.name in ("init.scope", "payload"):
        whole = whole.parent
    stat = dict(line.split() for line in (whole / "cpu.stat").read_text().splitlines())
    return int(stat["usage_usec"]) / 1e6


def process_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def rates(lab: Lab, seconds: float) -> dict[str, float]:
    before = used_by(lab)
    time.sleep(seconds)
    return {name: (now - before[name]) / seconds for name, now in used_by(lab).items()}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("lab")
    arguments.add_argument("--seconds", type=float, default=30)
    told = arguments.parse_args()
    lab = Lab(told.lab)
    alone = rates(lab, told.seconds)
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-m", "haconsole", str(lab.inventory_path)]
        with Terminal(argv, Path(folder), {"XDG_STATE_HOME": folder}, (80, 24)) as terminal:
            wait_for(terminal, "HEALTHY|DEGRADED|CRITICAL")
            time.sleep(5)
            pid = terminal.pid()
            began = process_seconds(pid)
            watched = rates(lab, told.seconds)
            here = (process_seconds(pid) - began) / told.seconds
            memory = resident_mib(pid)
            terminal.press("q")
    print(f"console: {here * 1000:.0f} ms of the processor a second, {memory:.0f} MiB")
    for name, rate in watched.items():
        more = (rate - alone[name]) * 1000
        print(f"{name}: {rate * 1000:.0f} ms a second with it, {alone[name] * 1000:.0f} without: {more:+.0f} ms")
    print(f"hosts with the console against without: {sum(watched.values()) / sum(alone.values()):.2f} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
