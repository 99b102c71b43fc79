"""Seconds from bare hosts to a verified control plane, measured from start to exit, and the hosts' own start.

    python tests/benchmarks/bootstrap.py [--hosts N] [--runs N]

Each run makes a practice cluster of its own, bootstraps it, bootstraps it once more (nothing must be done) and takes it
down. The time in which the hosts come up is printed beside it. Ends with 1 above the limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from haconsole.lab.lab import Lab
from haconsole.lab.shape import LabShape

LIMIT_S = 60.0


def timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def bootstrap(lab: Lab, state: str) -> None:
    argv = [sys.executable, "-m", "haconsole", "run", "bootstrap", "--yes", "--json", str(lab.inventory_path)]
    result = subprocess.run(argv, env={**os.environ, "XDG_STATE_HOME": state}, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(result.stdout[-2000:] + result.stderr[-2000:])


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--hosts", type=int, default=3)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    firsts: list[float] = []
    for number in range(options.runs):
        lab = Lab(f"bench{os.getpid()}n{number}")
        with tempfile.TemporaryDirectory() as state:
            try:
                up = timed(lambda: lab.up(LabShape(hosts=options.hosts)))  # noqa: B023
                firsts.append(timed(lambda: bootstrap(lab, state)))  # noqa: B023
                second = timed(lambda: bootstrap(lab, state))  # noqa: B023
            finally:
                lab.down()
        load = os.getloadavg()[0]
        print(f"hosts up {up:.1f} s, bootstrap {firsts[-1]:.1f} s, once more {second:.1f} s; load {load:.1f}")
        print(f"bootstrap against bringing the hosts up: {firsts[-1] / up:.1f} times")
    print(f"median {statistics.median(firsts):.1f} s, limit {LIMIT_S:.0f} s")
    return int(statistics.median(firsts) > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
