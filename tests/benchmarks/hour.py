"""The memory of the console after an hour with five hosts, on facts of the benchmark's own.

    python -m tests.benchmarks.hour [--minutes N]

A console without a terminal gets a snapshot for every second of the hour, with readings that change, a finding that
opens and closes, and elections; ten minutes of them are drawn. Time passes as fast as the snapshots are handled.
Prints the resident memory at the start, at each quarter and at the end, beside an empty Textual app's of the same run;
ends with 1 above the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from haconsole.model.hosts import HostFacts
from haconsole.model.metrics import ApiserverMetrics, EtcdMetrics, HostUsage
from haconsole.model.observed import Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.session import Session
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.theming import find_theme, theme_folders
from tests.fakes import grown
from tests.fakes.cluster import NOW
from tests.fakes.session import FakeSession

LIMIT_MIB = 130.0
HOSTS = 5
MINUTES = 60
DRAWN_S = 600
"""Seconds of the hour that are also drawn; the others only change state, figures and events."""
EMPTY = """
import asyncio, textual.app
async def main():
    async with textual.app.App().run_test() as pilot:
        await pilot.pause()
        print(int(open('/proc/self/statm').read().split()[1]) * 4096 / 2**20)
asyncio.run(main())
"""


def resident_mib() -> float:
    """The resident memory of this process (proc(5), statm)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def empty_mib() -> float:
    """The resident memory of an empty Textual app."""
    result = subprocess.run([sys.executable, "-c", EMPTY], capture_output=True, text=True, check=True)
    return float(result.stdout)


INVENTORY = grown.inventory(HOSTS)
MEMBERS = tuple(grown.listed(number) for number in range(1, HOSTS + 1))


def snapshot_at(second: int) -> ClusterSnapshot:
    """The cluster at that second: another leader every 5 minutes, a silent member for one of them."""
    at = NOW + timedelta(seconds=second)
    minute = second // 60
    leader = 1 + minute // 5 % HOSTS
    silent = 1 + (minute // 5 + 1) % HOSTS
    snapshot = grown.snapshot(INVENTORY, MEMBERS, leader=leader, down=(silent,) if minute % 5 == 2 else ())
    hosts = tuple(_measured(_at(facts, at), second, at) for facts in snapshot.hosts)
    return replace(snapshot, observed_at=at, revision=second + 1, hosts=hosts)


def _at(facts: HostFacts, at: datetime) -> HostFacts:
    """The facts, observed at that time."""
    values: dict[str, Any] = asdict(facts)
    later: dict[str, Any] = {
        name: replace(value, at=at) for name, value in values.items() if isinstance(value, Known | Failed)
    }
    return replace(facts, **later)


def _measured(facts: HostFacts, second: int, at: datetime) -> HostFacts:
    """With readings that grow as a working cluster's do."""
    etcd = EtcdMetrics(float(second), committed_proposals=second * 120, applied_proposals=second * 120)
    return replace(
        facts,
        usage=Known(HostUsage(float(second), load=0.3 + second % 60 / 30), at),
        etcd_metrics=Known(etcd, at),
        apiserver_metrics=Known(ApiserverMetrics(float(second), second % 9, second * 80, second // 90), at),
        apiserver_ms=Known(3.0 + second % 7, at),
    )


class PassingTime:
    """A clock at the newest snapshot."""

    def __init__(self) -> None:
        self.second = 0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.second)


async def memory_over(minutes: int) -> list[tuple[int, float]]:
    """The resident memory at the start, each quarter, and the end, by minutes."""
    time, session = PassingTime(), FakeSession(snapshot_at(0), inventory=INVENTORY)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield session

    theme = find_theme("dark", theme_folders())
    app = ConsoleApp(Setting(INVENTORY, theme, theme.name, opened, clock=time.now, alone=True))
    sizes: list[tuple[int, float]] = []
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        sizes.append((0, resident_mib()))
        for second in range(1, minutes * 60 + 1):
            time.second = second
            status = session.status_of(snapshot_at(second))
            app.state = app.state.updated(status, time.now())
            app.tick()
            if second % 60 < DRAWN_S // MINUTES:
                await pilot.pause()
            if second % (minutes * 15) == 0:
                gc.collect()
                sizes.append((second // 60, resident_mib()))
    return sizes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=MINUTES)
    minutes = parser.parse_args().minutes
    print(f"an empty Textual app: {empty_mib():.0f} MiB")
    sizes = asyncio.run(memory_over(minutes))
    for minute, size in sizes:
        print(f"after {minute:2} min: {size:.0f} MiB")
    newest = sizes[-1][1]
    print(f"{HOSTS} hosts: {newest:.0f} MiB, limit {LIMIT_MIB:.0f} MiB; {newest / LIMIT_MIB:.2f} of the limit")
    return 0 if newest <= LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
