"""The cost of the console while nothing happens: processor and memory here, processor on each host.

    python tests/benchmarks/idle.py LAB [--seconds N] [--pairs N]

LAB is a bootstrapped practice cluster that is up. Windows without and with the console take turns, so that both meet
the same load of the machine. Of a host the processor time of its control groups counts: of SSH and the sessions in it,
and of each service what it takes more with the console than without. The console itself is a process of this machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from haconsole.lab.lab import Lab
from tests.benchmarks.time_to_screen import wait_for
from tests.hosts.terminal import Terminal

SETTLED_S = 12
"""The console has read every fact once, certificates included."""
SERVICES = ("etcd", "haproxy", "keepalived", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
SSH = ("system.slice/ssh.service", "system.slice/ssh@*.service", "user.slice")
GOAL = 0.005
GOAL_HERE, GOAL_MIB = 0.02, 110.0

Usage = dict[str, dict[str, float]]
"""Seconds by host and part; ``all`` is everything on the host."""


def usage(lab: Lab) -> Usage:
    """Processor seconds of each host so far."""
    return {host.name: _parts(host.pid) for host in lab.status() if host.pid}


def _parts(pid: int) -> dict[str, float]:
    root = _root(pid)
    inner = next((one for one in (root / "payload", root) if (one / "system.slice").is_dir()), root)
    parts = {"all": _seconds(root), "ssh": sum(_seconds(path) for pattern in SSH for path in inner.glob(pattern))}
    return parts | {name: _seconds(inner / f"system.slice/{name}.service") for name in SERVICES}


def _root(pid: int) -> Path:
    """The control group of a complete host, by its process 1 (cgroup v2)."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    root = next(fields[1] for fields in mounts if fields[2] == "cgroup2")
    group = next(line for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines() if line.startswith("0::"))
    path = Path(root, group.removeprefix("0::/"))
    while path.name in ("init.scope", "payload"):
        path = path.parent
    return path


def _seconds(group: Path) -> float:
    """`usage_usec` of cpu.stat; 0 of a group that does not exist."""
    try:
        stat = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    except OSError:
        return 0.0
    return int(stat["usage_usec"]) / 1e6


def process_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def rates(lab: Lab, seconds: float) -> Usage:
    """Shares of one core in a window from now."""
    before, began = usage(lab), time.monotonic()
    time.sleep(seconds)
    after, took = usage(lab), time.monotonic() - began
    return {
        host: {part: (now - before[host][part]) / took for part, now in parts.items()} for host, parts in after.items()
    }


@contextmanager
def console(lab: Lab, folder: Path) -> Iterator[tuple[int, float]]:
    """The console at work: its process, and its memory at the first complete screen."""
    argv = [sys.executable, "-m", "haconsole", str(lab.inventory_path)]
    with Terminal(argv, folder, {"XDG_STATE_HOME": str(folder)}, (80, 24)) as terminal:
        wait_for(terminal, "HEALTHY|DEGRADED|CRITICAL")
        memory = resident_mib(terminal.pid())
        time.sleep(SETTLED_S)
        yield terminal.pid(), memory
        terminal.press("q")


def median(windows: list[Usage], host: str, part: str) -> float:
    return statistics.median(window[host][part] for window in windows)


def report(without: list[Usage], watched: list[Usage]) -> None:
    """The table; what each part takes more with the console, in percent of a core."""
    for host in watched[0]:
        more = {part: median(watched, host, part) - median(without, host, part) for part in watched[0][host]}
        cost = sum(share for part, share in more.items() if part != "all")
        parts = ", ".join(f"{part} {share:+.2%}" for part, share in more.items() if part != "all")
        print(f"{host}: {cost:.2%} of a core ({cost / GOAL:.1f} times the goal of {GOAL:.1%}): {parts}")
        ratio = median(watched, host, "all") / median(without, host, "all")
        print(f"{host}: everything with the console against without: {ratio:.2f} times")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    lab = Lab(arguments.lab)
    without: list[Usage] = []
    watched: list[Usage] = []
    here: list[float] = []
    memory: list[tuple[float, float]] = []
    for _ in range(arguments.pairs):
        without.append(rates(lab, arguments.seconds))
        with tempfile.TemporaryDirectory() as folder, console(lab, Path(folder)) as (pid, at_start):
            began = process_seconds(pid)
            watched.append(rates(lab, arguments.seconds))
            here.append((process_seconds(pid) - began) / arguments.seconds)
            memory.append((at_start, resident_mib(pid)))
    report(without, watched)
    used = statistics.median(here)
    first, last = memory[-1]
    print(f"here: {used:.2%} of a core ({used / GOAL_HERE:.1f} times the goal of {GOAL_HERE:.0%})")
    print(f"here: {first:.0f} MiB at the first screen ({first / GOAL_MIB:.2f} times the goal), {last:.0f} MiB then")
    return 0


if __name__ == "__main__":
    sys.exit(main())
