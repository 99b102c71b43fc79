"""`haconsole status` on kubeadm's control planes against the same number of control planes of systemd units.

    python tests/benchmarks/status_of_kubeadm.py KUBEADM_INVENTORY SYSTEMD_INVENTORY [--pairs N] [--most RATIO]

Both clusters run at the same time on one machine, and the runs alternate, so that other load meets both. Bytecode is
kept as an installed program's is. Prints every pair, seconds on the clock and of the processor, then the median ratio;
ends with 1 when that is more than RATIO, 1.2 by default.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from haconsole.inventory.load import load
from haconsole.model.hosts import Role

MOST = 1.2


@dataclass(frozen=True)
class StatusCost:
    """Seconds of one run."""

    wall_s: float
    cpu_s: float


def status(inventory: str, bytecode: str) -> StatusCost:
    """One run of the program; raises SystemExit where it shows no cluster."""
    environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    argv = (sys.executable, "-m", "haconsole", "status", inventory)
    result = subprocess.run(argv, capture_output=True, text=True, env=environment)
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if "etcd: " not in result.stdout:
        raise SystemExit(f"{inventory}: {result.stdout[-500:]}{result.stderr[-500:]}")
    return StatusCost(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure(kubeadm: str, systemd: str, pairs: int) -> list[tuple[StatusCost, StatusCost]]:
    """Pairs of runs, each of a pair first in turn, after one run of each that is not counted."""
    results: list[tuple[StatusCost, StatusCost]] = []
    with tempfile.TemporaryDirectory() as bytecode:
        for inventory in (kubeadm, systemd):
            status(inventory, bytecode)
        for number in range(pairs):
            order = (kubeadm, systemd) if number % 2 else (systemd, kubeadm)
            costs = {inventory: status(inventory, bytecode) for inventory in order}
            results.append((costs[kubeadm], costs[systemd]))
            print(
                f"{number + 1:>3}  kubeadm {costs[kubeadm].wall_s:6.2f} s ({costs[kubeadm].cpu_s:.2f} s of processor)  "
                f"systemd {costs[systemd].wall_s:6.2f} s ({costs[systemd].cpu_s:.2f} s)",
                flush=True,
            )
    return results


def same_size(kubeadm: str, systemd: str) -> None:
    """Raise SystemExit unless both have the same number of hosts and of control planes."""
    both = load(Path(kubeadm)), load(Path(systemd))
    counts = [(len(each.hosts), len(each.with_role(Role.CONTROL_PLANE))) for each in both]
    if len(set(counts)) > 1:
        raise SystemExit(f"(hosts, control planes) differ: {counts[0]} and {counts[1]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kubeadm")
    parser.add_argument("systemd")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--most", type=float, default=MOST)
    words = parser.parse_args()
    same_size(words.kubeadm, words.systemd)
    result = measure(words.kubeadm, words.systemd, words.pairs)
    ratio = statistics.median(one.wall_s / other.wall_s for one, other in result)
    processor = statistics.median(one.cpu_s / other.cpu_s for one, other in result)
    medians = [statistics.median(pair[at].wall_s for pair in result) for at in (0, 1)]
    print(
        f"medians {medians[0]:.2f} s and {medians[1]:.2f} s; median ratio {ratio:.2f}, of the processor {processor:.2f}"
    )
    return int(ratio > words.most)


if __name__ == "__main__":
    sys.exit(main())
