"""The longest stall of the screen: 1,000-row tables that change, journals that stream, keys pressed.

    python -m tests.benchmarks.stalls

The console runs without a terminal on facts of the benchmark's own. Every piece of work between two looks at the
keyboard is measured in processor time, which a busy machine does not blur; the longest of them is the stall. Prints
each case with its median, its 99th percentile and its longest piece beside the limit; ends with 1 when one is over it.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from msgspec.structs import replace
from textual.pilot import Pilot

from haconsole.model.haproxy import HaproxyFacts
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.journal import JournalLine
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.session import Session
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.theming import find_theme, theme_folders
from tests.fakes.cluster import INVENTORY, NAMES, NOW, healthy, lease, server, unreachable
from tests.fakes.session import FakeSession

LIMIT_MS = 50.0
ROWS = 1000
HOSTS = 200
LINES_A_SECOND = 600
SIZE = (160, 45)


@contextmanager
def pieces() -> Iterator[list[float]]:
    """Milliseconds of processor time of every piece of work the event loop does meanwhile."""
    spent: list[float] = []
    run = asyncio.events.Handle._run

    def measured(handle: asyncio.events.Handle) -> None:
        began = time.thread_time()
        run(handle)
        spent.append((time.thread_time() - began) * 1000)

    asyncio.events.Handle._run = measured  # type: ignore[method-assign, assignment]
    try:
        yield spent
    finally:
        asyncio.events.Handle._run = run  # type: ignore[method-assign]


def crowded(turn: int) -> ClusterSnapshot:
    """A thousand servers on three balancers and a thousand locks; in each turn some of them are otherwise."""
    snapshot = healthy()
    servers = tuple(
        replace(server(1, "DOWN" if (row + turn) % 97 == 0 else "UP"), name=f"node{row:04d}", sessions=turn)
        for row in range(ROWS)
    )
    leases = tuple(replace(lease("kube-scheduler", 1 + turn % 3), name=f"operator-{row:04d}") for row in range(ROWS))
    hosts = tuple(_serving(facts, servers) for facts in snapshot.hosts)
    return replace(snapshot, hosts=hosts, leases=Known(leases, NOW), revision=turn)


def many_hosts(turn: int) -> ClusterSnapshot:
    """Two hundred hosts, three of them control planes; in each turn some workers cannot be reached."""
    snapshot = healthy()
    workers = tuple(
        replace(
            snapshot.hosts[0] if (row + turn) % 41 else unreachable(snapshot.hosts[0]),
            host=HostName(f"worker{row:03d}"),
            roles=(Role.WORKER,),
            etcd=NOT_ASKED,
            haproxy=NOT_ASKED,
            keepalived=NOT_ASKED,
            apiserver=NOT_ASKED,
        )
        for row in range(HOSTS - len(snapshot.hosts))
    )
    return replace(snapshot, hosts=(*snapshot.hosts, *workers), revision=turn)


def _serving(facts: HostFacts, servers: tuple[object, ...]) -> HostFacts:
    assert isinstance(facts.haproxy, Known)
    (backend,) = facts.haproxy.value.backends
    value: HaproxyFacts = replace(facts.haproxy.value, backends=(replace(backend, servers=servers),))
    return replace(facts, haproxy=Known(value, facts.haproxy.at))


def journal_line(number: int) -> JournalLine:
    host = NAMES[number % 3]
    at = NOW + timedelta(milliseconds=number)
    text = f'{{"level":"warn","msg":"apply request took too long","took":"{number} ms","prefix":"read-only range"}}'
    return JournalLine(host, at, "etcd", text, 4 if number % 5 else 3)


@asynccontextmanager
async def console(session: FakeSession) -> AsyncIterator[Pilot[None]]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield session

    theme = find_theme("dark", theme_folders())
    app = ConsoleApp(Setting(INVENTORY, theme, theme.name, opened, clock=lambda: NOW, alone=True))
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(10):
            await pilot.pause()
        yield pilot


async def table_changes(pilot: Pilot[None], session: FakeSession) -> None:
    """Five new snapshots, each with a thousand rows on the screen."""
    for turn in range(1, 6):
        session.snapshot_queue.put_nowait(crowded(turn))
        await asyncio.sleep(0.3)


async def host_changes(pilot: Pilot[None], session: FakeSession) -> None:
    """Five new snapshots of two hundred hosts."""
    for turn in range(1, 6):
        session.snapshot_queue.put_nowait(many_hosts(turn))
        await asyncio.sleep(0.5)


async def table_keys(pilot: Pilot[None], session: FakeSession) -> None:
    """Through the table by row, by page, to its end; sorted; filtered letter by letter."""
    for key in ("j", "j", "pagedown", "pagedown", "G", "g", "o", "o", "o", "slash", *"node01", "escape"):
        await pilot.press(key)


async def journal_streams(pilot: Pilot[None], session: FakeSession) -> None:
    """Three hosts' journals while a person filters and scrolls."""
    keys = iter(("k", "k", "pageup", "pageup", "g", "G", "slash", *"took", "enter", "k", "pageup", "G", "escape"))
    for burst in range(26):
        for number in range(LINES_A_SECOND // 10):
            session.logging.put_nowait(journal_line(5000 + burst * LINES_A_SECOND // 10 + number))
        await asyncio.sleep(0.1)
        if burst % 2:
            await pilot.press(next(keys, "k"))


Case = Callable[[Pilot[None], FakeSession], Awaitable[None]]
CASES: tuple[tuple[str, tuple[str, ...], Case], ...] = (
    ("a new snapshot, 200 hosts, dashboard", (), host_changes),
    ("a new snapshot, 200 hosts only", ("5", "z"), host_changes),
    ("a new snapshot, 200 hosts, graphs", ("v",), host_changes),
    ("a new snapshot, one of 200 hosts", ("5", "H"), host_changes),
    ("a new snapshot, dashboard", (), table_changes),
    ("a new snapshot, 1,000 servers only", ("3", "z"), table_changes),
    ("keys in 1,000 servers", ("3", "z"), table_keys),
    ("a new snapshot, 1,000 locks only", ("4", "z"), table_changes),
    ("keys in 1,000 locks", ("4", "z"), table_keys),
    (f"three journals, {LINES_A_SECOND} lines a second", ("L",), journal_streams),
)


async def measure(keys: tuple[str, ...], case: Case) -> list[float]:
    first = many_hosts(0) if case is host_changes else crowded(0)
    session = FakeSession(first, logged=tuple(journal_line(number) for number in range(5000)))
    async with console(session) as pilot:
        await pilot.press(*keys)
        for _ in range(5):
            await pilot.pause()
        with pieces() as spent:
            await case(pilot, session)
            await asyncio.sleep(1.1)
    return spent


def main() -> int:
    over = 0
    for name, keys, case in CASES:
        spent = sorted(asyncio.run(measure(keys, case)))
        longest = spent[-1]
        over += longest > LIMIT_MS
        p99 = spent[int(len(spent) * 0.99)]
        print(
            f"{name:40} longest {longest:6.1f} ms, p99 {p99:5.1f}, median {statistics.median(spent):5.2f}"
            f" of {len(spent)}; {longest / LIMIT_MS:4.2f} of the limit"
        )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
