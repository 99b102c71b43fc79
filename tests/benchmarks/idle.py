"""The cost of the console while nothing happens: processor and memory here, processor on each host.

    python tests/benchmarks/idle.py LAB [--seconds N] [--pairs N] [--against FOLDER]

LAB is a bootstrapped practice cluster that is up. Windows without and with the console take turns, so that both meet
the same load of the machine; processor time counts, so it may be busy. Of a host the processor time of its control
groups counts: of SSH and the sessions in it, and of each service what it takes more with the console than without. The
console itself is a process of this machine. Figures are medians of the windows, with the smallest and the largest.

Hosts and console share the cores of one machine here, and the same work takes a process longer beside others. So the
windows without the console have an equal load: a process that uses as much as the console and its sessions did before.
FOLDER is the source of another version, which is measured in the same turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from haconsole.lab.lab import Lab
from tests.benchmarks.time_to_screen import wait_for
from tests.hosts.terminal import Terminal

SETTLED_S = 20
"""The console has read every fact once, certificates included, also on a busy machine."""
LOAD_SETTLES_S = 2
SERVICES = ("etcd", "haproxy", "keepalived", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
SSH = ("system.slice/ssh.service", "system.slice/ssh@*.service", "user.slice")
SOURCE = Path(__file__).resolve().parents[2]
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


@dataclass
class Version:
    """One version of the program, by the folder of its source, and what its windows showed."""

    name: str
    folder: Path
    hosts: list[Usage] = field(default_factory=list)
    here: list[float] = field(default_factory=list)
    at_start: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)


@contextmanager
def console(lab: Lab, state: Path, source: Path = SOURCE) -> Iterator[tuple[int, float]]:
    """The console at work: its process, and its memory at the first complete screen."""
    argv = [sys.executable, "-m", "haconsole", str(lab.inventory_path)]
    environment = {"XDG_STATE_HOME": str(state), "PYTHONPATH": str(source), "PYTHONSAFEPATH": "1"}
    with Terminal(argv, state, environment, (80, 24)) as terminal:
        wait_for(terminal, "HEALTHY|DEGRADED|CRITICAL")
        memory = resident_mib(terminal.pid())
        time.sleep(SETTLED_S)
        yield terminal.pid(), memory
        terminal.press("q")


BURN = """
import sys, time
share, turn_s, cells = float(sys.argv[1]), 0.25, list(range(20000))
while True:
    began, used = time.monotonic(), time.process_time()
    while time.process_time() - used < share * turn_s:
        sum(cells)
    time.sleep(max(0.0, began + turn_s - time.monotonic()))
"""
"""Uses a share of one core in small turns, with memory as a program has it."""


@contextmanager
def load_of(share: float) -> Iterator[None]:
    """A process that uses this share of a core."""
    with subprocess.Popen((sys.executable, "-c", BURN, f"{share:.4f}")) as process:
        try:
            time.sleep(LOAD_SETTLES_S)
            yield
        finally:
            process.kill()


def share_of(version: Version, without: list[Usage]) -> float:
    """The use of the console here and of its sessions on all hosts, as a share of one core."""
    sessions = 0.0
    for host in version.hosts[0]:
        idle = statistics.median(values(without, host, "ssh")) if without else 0.0
        sessions += max(0.0, statistics.median(values(version.hosts, host, "ssh")) - idle)
    return statistics.median(version.here) + sessions


def watch(lab: Lab, version: Version, seconds: float) -> None:
    """One window with the console of a version."""
    with tempfile.TemporaryDirectory() as folder, console(lab, Path(folder), version.folder) as (pid, at_start):
        began = process_seconds(pid)
        version.hosts.append(rates(lab, seconds))
        version.here.append((process_seconds(pid) - began) / seconds)
        version.at_start.append(at_start)
        version.later.append(resident_mib(pid))


def values(windows: list[Usage], host: str, part: str) -> list[float]:
    return [window[host][part] for window in windows]


def spread(shares: list[float]) -> str:
    return f"{statistics.median(shares):.2%} ({min(shares):.2%} to {max(shares):.2%})"


def report(without: list[Usage], version: Version) -> None:
    """The table; what each part takes more with the console, in percent of a core.

    SSH is compared in pairs of windows; a service takes far more without the console than the console adds, so that
    only the difference of medians is meaningful there.
    """
    print(f"{version.name}:")
    for host in without[0]:
        pairs = zip(values(version.hosts, host, "ssh"), values(without, host, "ssh"), strict=True)
        ssh = [with_it - without_it for with_it, without_it in pairs]
        more = {
            part: statistics.median(values(version.hosts, host, part)) - statistics.median(values(without, host, part))
            for part in SERVICES
        }
        cost = statistics.median(ssh) + sum(more.values())
        parts = ", ".join(f"{part} {share:+.2%}" for part, share in more.items())
        print(f"  {host}: {cost:.2%} of a core ({cost / GOAL:.1f} times the goal of {GOAL:.1%}), ssh {spread(ssh)}")
        print(f"  {host}: {parts}")
        everything = [statistics.median(values(windows, host, "all")) for windows in (version.hosts, without)]
        print(f"  {host}: everything with the console against without: {everything[0] / everything[1]:.2f} times")
    used, memory = statistics.median(version.here), statistics.median(version.at_start)
    print(f"  here: {spread(version.here)} of a core ({used / GOAL_HERE:.1f} times the goal of {GOAL_HERE:.0%})")
    print(f"  here: {memory:.0f} MiB at the first screen ({memory / GOAL_MIB:.2f} times the goal), ", end="")
    print(f"{statistics.median(version.later):.0f} MiB then")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--against", type=Path)
    arguments = parser.parse_args()
    lab = Lab(arguments.lab)
    without: list[Usage] = []
    versions = [Version("this version", SOURCE)]
    if arguments.against:
        versions.append(Version(f"{arguments.against}", arguments.against.resolve()))
    for _ in range(arguments.pairs):
        for version in versions:
            watch(lab, version, arguments.seconds)
        with load_of(share_of(versions[0], without)):
            without.append(rates(lab, arguments.seconds))
    for version in versions:
        report(without, version)
    return 0


if __name__ == "__main__":
    sys.exit(main())
