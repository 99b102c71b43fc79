"""States and figures over time agree with the journals of the hosts and with the programs' own figures."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from haconsole.lab.lab import Lab
from haconsole.model import measures as m
from haconsole.model.etcd import Election
from haconsole.model.figures import P99, WINDOW_S, Figure, Meter
from haconsole.model.lanes import Chronicle, Lane, LaneKey, LaneKind, Mood
from haconsole.model.measures import SeriesKey
from haconsole.model.observed import value_of
from haconsole.session.opening import open_session
from tests.hosts.conftest import Tell
from tests.hosts.machine import vip_holders
from tests.hosts.program import Program

WITHIN_S = 1.0
SOCKET = "/run/haproxy/admin.sock"


@asynccontextmanager
async def watching(lab: Lab) -> AsyncIterator[Watched]:
    """A chronicle that is kept while the block lasts, with readings at the short interval."""
    async with open_session(lab.inventory_path) as session:
        watched = Watched(Chronicle(3))
        session.observer.quicken(faster=True)

        async def follow() -> None:
            async with aclosing(session.observer.watch()) as statuses:
                async for status in statuses:
                    watched.chronicle.add(status)
                    watched.figures.extend(watched.meter.figures(status.snapshot))
                    watched.election = status.snapshot.election
                    watched.offsets_ms = {
                        str(facts.host): value_of(facts.clock_offset_ms) or 0.0 for facts in status.snapshot.hosts
                    }

        task = asyncio.create_task(follow())
        try:
            yield watched
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Watched:
    def __init__(self, chronicle: Chronicle) -> None:
        self.chronicle = chronicle
        self.meter = Meter()
        self.figures: list[Figure] = []
        """Every figure with the time of its reading, as the graphs get them."""
        self.offsets_ms: dict[str, float] = {}
        self.election: Election | None = None

    def lane(self, kind: LaneKind, name: str = "") -> Lane:
        return self.chronicle.lanes.lane(LaneKey(kind, name))

    def start_of(self, kind: LaneKind, name: str, state: str, since: datetime) -> datetime | None:
        """When the lane came into that state, after `since`."""
        spans = self.lane(kind, name).spans(since, datetime.now(UTC) + timedelta(seconds=1))
        return next((span.start for span in spans if span.state.text == state and span.start >= since), None)

    def host_in(self, kind: LaneKind, name: str = "") -> str:
        """The host that the lane shows now; empty if it shows none."""
        state = self.lane(kind, name).at(datetime.now(UTC))
        return state.text if state is not None and state.mood is Mood.GOOD else ""

    def known(self, measure: m.Measure, host: str, item: str = "") -> float | None:
        return self.chronicle.measurements.latest(SeriesKey(measure, host, item), datetime.now(UTC))


async def eventually(condition: Callable[[], object], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.1)


async def journal_time(lab: Lab, watched: Watched, host: str, unit: str, text: str, since: datetime) -> datetime:
    """When the host's journal has the first entry of the unit with this text, by this machine's clock.

    Waits up to a minute for the entry: a balancer may count its failed checks longer than the one that was seen first.
    """
    async with asyncio.timeout(60):
        while (micros := await asyncio.to_thread(_first_entry, lab, host, unit, text, since)) is None:
            await asyncio.sleep(0.5)
    return datetime.fromtimestamp(micros / 1e6, UTC) - timedelta(milliseconds=watched.offsets_ms.get(host, 0.0))


def _first_entry(lab: Lab, host: str, unit: str, text: str, since: datetime) -> int | None:
    """The journal's time of the entry, in microseconds since 1970; None if there is no such entry yet."""
    at = f"@{since.timestamp() - 1:.0f}"
    result = lab.exec(host, "journalctl", "-q", "-o", "json", "--since", at, "-u", unit, "--no-pager")
    entries = (json.loads(line) for line in result.stdout.splitlines())
    return next((int(each["__REALTIME_TIMESTAMP"]) for each in entries if text in str(each.get("MESSAGE"))), None)


def seconds_between(one: datetime | None, other: datetime) -> float:
    assert one is not None
    return abs((one - other).total_seconds())


async def test_lanes_agree_with_the_journals(installed: Program, tell: Tell) -> None:
    lab = installed.lab
    vip = lab.spec.vip
    async with watching(lab) as watched:
        await eventually(lambda: watched.host_in(LaneKind.VIP, vip))
        await eventually(lambda: watched.host_in(LaneKind.LEADER))
        apart_s = [
            *await _failover(lab, watched, vip),
            *await _restart_of_the_leader(lab, watched),
            *await _blocked_port(lab, watched),
        ]
    texts = ", ".join(f"{seconds:.2f}" for seconds in apart_s)
    tell(f"seconds between lanes and journals (failover, restart, leader, blocked port): {texts}")
    assert max(apart_s) <= WITHIN_S


async def _failover(lab: Lab, watched: Watched, vip: str) -> tuple[float]:
    await eventually(lambda: len(vip_holders(lab)) == 1 and [*vip_holders(lab)] == [watched.host_in(LaneKind.VIP, vip)])
    (owner,) = vip_holders(lab)
    began = datetime.now(UTC)
    await asyncio.to_thread(lab.exec, owner, "systemctl", "stop", "keepalived")
    try:
        await eventually(lambda: set(vip_holders(lab)) - {owner})
        (new,) = vip_holders(lab)
        await eventually(lambda: watched.start_of(LaneKind.VIP, vip, new, began))
        entered = await journal_time(lab, watched, new, "keepalived", "Entering MASTER STATE", began)
        return (seconds_between(watched.start_of(LaneKind.VIP, vip, new, began), entered),)
    finally:
        await asyncio.to_thread(lab.exec, owner, "systemctl", "start", "keepalived")


async def _restart_of_the_leader(lab: Lab, watched: Watched) -> tuple[float, float]:
    await eventually(lambda: watched.host_in(LaneKind.LEADER))
    leader, began = watched.host_in(LaneKind.LEADER), datetime.now(UTC)
    lane = watched.lane(LaneKind.SERVICES, leader)
    await asyncio.to_thread(lab.exec, leader, "systemctl", "restart", "etcd")

    await eventually(lambda: watched.host_in(LaneKind.LEADER) not in ("", leader))
    new = watched.host_in(LaneKind.LEADER)
    await eventually(lambda: [mark for mark in lane.marks if mark.at >= began and "etcd" in mark.text])
    mark = next(mark for mark in lane.marks if mark.at >= began and "etcd" in mark.text)
    started = await journal_time(lab, watched, leader, "etcd", "Starting etcd", began)
    elected = await journal_time(lab, watched, new, "etcd", "became leader at term", began)
    await eventually(lambda: watched.election and watched.election.at >= began)
    return seconds_between(mark.at, started), seconds_between(
        watched.start_of(LaneKind.LEADER, "", new, began), elected
    )


async def _blocked_port(lab: Lab, watched: Watched) -> tuple[float]:
    """The API server of cp3 is cut off from every balancer by a rule on its host."""
    table = "inet test_graphs"
    rules = (
        f"add table {table}; add chain {table} input {{ type filter hook input priority 0; }}; "
        f'add rule {table} input tcp dport 6443 iif != "lo" drop'
    )
    name = "k8s_server_6443/cp3"
    await eventually(
        lambda: (state := watched.lane(LaneKind.SERVER, name).at(datetime.now(UTC))) and state.mood is Mood.GOOD
    )
    began = datetime.now(UTC)
    result = await asyncio.to_thread(lab.exec, "cp3", "nft", rules)
    assert result.returncode == 0, result.stderr
    try:

        def went_down() -> datetime | None:
            spans = watched.lane(LaneKind.SERVER, name).spans(began, datetime.now(UTC))
            return next((span.start for span in spans if span.state.text.startswith("down")), None)

        await eventually(went_down, 90)
        down = went_down()
        times = [await journal_time(lab, watched, host, "haproxy", "cp3 is DOWN", began) for host in ("cp1", "cp2")]
        assert down is not None
        return (min(seconds_between(down, each) for each in times),)
    finally:
        await asyncio.to_thread(lab.exec, "cp3", "nft", "delete", "table", "inet", "test_graphs")


@pytest.mark.nightly
async def test_figures_agree_with_the_programs(installed: Program) -> None:
    """Writes counted by etcd, and sessions counted by haproxy, against what the console shows."""
    lab = installed.lab
    async with watching(lab) as watched:
        await eventually(lambda: watched.known(m.WRITES, "cp1") is not None)
        await eventually(lambda: watched.known(m.ENDPOINT, "") is not None)
        before, began = await _revision(lab), datetime.now(UTC)
        await asyncio.to_thread(_write, lab, 100)
        await asyncio.sleep(6)
        after, ended = await _revision(lab), datetime.now(UTC)
        values = watched.chronicle.measurements.values(
            SeriesKey(m.WRITES, "cp1"), began, ended, int((ended - began).total_seconds())
        )
        mean = sum(value for value in values if value is not None) / len(values)
        counted = (after - before) / (ended - began).total_seconds()
        assert abs(mean - counted) <= 0.35 * counted + 2
        assert 0 < (watched.known(m.FSYNC, "cp1") or 0) < 10
        assert 0 < (watched.known(m.ENDPOINT, "") or 0) < 6
        size = await _database_size(lab)
        assert watched.known(m.DB_SIZE, "cp1") == pytest.approx(size, rel=0.1), "it grows between two readings"
        for host in ("cp1", "cp2", "cp3"):
            name = "k8s_server_6443/cp1"
            output = await asyncio.to_thread(_sessions, lab, host, "cp1")
            assert abs((watched.known(m.SESSIONS, host, name) or 0.0) - output) <= 3


BY_HAND = """
end=$(($(date +%s) + 40))
while [ "$(date +%s)" -lt "$end" ]; do
    date "+at %s.%N"
    printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' | socat -t 5 - \\
        "OPENSSL:$1,cafile=/etc/etcd/pki/ca.crt,cert=/etc/etcd/pki/client.crt,key=/etc/etcd/pki/client.key" |
        grep -E '^etcd_(disk_(wal_fsync|backend_commit)_duration_seconds_bucket|mvcc_db_total_size)'
    echo 'show stat -1 4 -1' | socat - UNIX-CONNECT:/run/haproxy/admin.sock | grep '^k8s_server_6443,cp1,'
    sleep 0.2
done
"""
"""Reads etcd's own page and haproxy's own socket, as a person would. Practice hosts have no curl, but socat."""
TRAFFIC = """
end=$(($(date +%s) + 42))
for held in 1 2 3 4 5 6 7 8 9; do
    sleep 42 | timeout 42 socat - "OPENSSL:$1,verify=0" >/dev/null 2>&1 &
done
while [ "$(date +%s)" -lt "$end" ]; do
    printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' | socat -t 2 - "OPENSSL:$1,verify=0" >/dev/null || true
    env ETCDCTL_API=3 etcdctl --endpoints="https://$2" --cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/client.crt \\
        --key=/etc/etcd/pki/client.key put test-graphs "$(date)" >/dev/null
done
"""


@dataclass(frozen=True)
class ByHand:
    """One look by hand; histograms are counts by their upper bounds."""

    at: float
    fsync: dict[float, int]
    commit: dict[float, int]
    sizes: tuple[float, ...]
    sessions: int
    rate: int


def looks_of(text: str) -> Iterator[ByHand]:
    for part in text.split("at ")[1:]:
        lines = part.splitlines()
        columns = next(line.split(",") for line in lines if line.startswith("k8s_server_6443,cp1,"))
        sizes = tuple(float(line.split()[1]) for line in lines if line.startswith("etcd_mvcc_db_total_size"))
        fsync, commit = _buckets(part, "wal_fsync"), _buckets(part, "backend_commit")
        yield ByHand(float(lines[0]), fsync, commit, sizes, int(columns[4]), int(columns[33]))


def _buckets(text: str, name: str) -> dict[float, int]:
    lines = re.findall(rf'_{name}_duration_seconds_bucket{{le="([^"]+)"}} (\S+)', text)
    return {float(limit): int(float(count)) for limit, count in lines}


def p99_s(before: dict[float, int], after: dict[float, int]) -> float | None:
    """The time of 99 % of the observations between two looks, evenly spread within a bucket."""
    counts = {0.0: 0, **{limit: after[limit] - before[limit] for limit in sorted(after)}}
    rank = P99 * counts[float("inf")]
    for (lower, below), (upper, count) in pairwise(counts.items()):
        if count >= rank > 0:
            return lower + (upper - lower) * (rank - below) / (count - below)
    return None


def longest_gap(times: Iterable[float]) -> float:
    return max((after - before for before, after in pairwise(sorted(set(times)))), default=0.0)


def p99_by_hand(
    looks: list[ByHand], of: Callable[[ByHand], dict[float, int]], at: float, every_s: float
) -> list[float]:
    """The figure of every pair of looks that may be the window of a reading at that time.

    The window is as long as WINDOW_S, or up to one interval of readings longer. On a busy machine looks take longer.
    """
    slack_s = 0.7 + longest_gap(each.at for each in looks)
    ends = [each for each in looks if abs(each.at - at) <= slack_s]
    starts = [each for each in looks if -slack_s <= at - WINDOW_S - each.at <= slack_s + every_s]
    values = (p99_s(of(start), of(end)) for start in starts for end in ends)
    return [value for value in values if value is not None]


@pytest.mark.nightly
async def test_figures_agree_with_etcds_page_and_haproxys_socket_at_that_moment(installed: Program, tell: Tell) -> None:
    """fsync and commit p99 and sizes of etcd, sessions and their rate of haproxy, read by hand beside the console."""
    lab = installed.lab
    etcd = f"{lab.spec.host('cp1').address}:2379"
    async with watching(lab) as watched:
        await eventually(lambda: watched.known(m.COMMIT, "cp1") is not None)
        traffic = asyncio.to_thread(
            lab.exec, "cp2", "sh", "-c", TRAFFIC, "-", f"{lab.spec.vip}:8443", etcd, deadline_s=90
        )
        by_hand = asyncio.to_thread(lab.exec, "cp1", "sh", "-c", BY_HAND, "-", etcd, deadline_s=90)
        _, result = await asyncio.gather(traffic, by_hand)
    looks = list(looks_of(result.stdout))
    assert len(looks) > 20, result.stderr
    window = (looks[0].at + WINDOW_S + 2.2, looks[-1].at - 0.7)
    fsync = SeriesKey(m.FSYNC, "cp1")
    every_s = longest_gap(each.at.timestamp() for each in watched.figures if each.key == fsync)
    expected: dict[SeriesKey, Callable[[float], list[float]]] = {
        fsync: lambda at: p99_by_hand(looks, lambda each: each.fsync, at, every_s),
        SeriesKey(m.COMMIT, "cp1"): lambda at: p99_by_hand(looks, lambda each: each.commit, at, every_s),
        SeriesKey(m.DB_SIZE, "cp1"): lambda at: [max(each.sizes) for each in _looks_near(looks, at)],
        SeriesKey(m.DB_IN_USE, "cp1"): lambda at: [min(each.sizes) for each in _looks_near(looks, at)],
        SeriesKey(m.SESSIONS, "cp1", "k8s_server_6443/cp1"): lambda at: [
            each.sessions for each in _looks_near(looks, at)
        ],
        SeriesKey(m.SESSION_RATE, "cp1", "k8s_server_6443/cp1"): lambda at: [
            each.rate for each in _looks_near(looks, at)
        ],
    }
    for key, values_at in expected.items():
        figures = [
            (each.value, values)
            for each in watched.figures
            if each.key == key and window[0] <= each.at.timestamp() <= window[1]
            if each.value is not None and (values := values_at(each.at.timestamp()))
        ]
        assert len(figures) >= 3, f"too few readings have a look by hand beside them: {key}"
        for value, values in figures:
            more = 1 if key.measure is m.SESSIONS else 0
            """Sessions of the requests open and close between two looks; those that are held are counted by both."""
            assert 0.95 * min(values) - more <= value <= 1.05 * max(values) + more, (key, value, values)
        series = ", ".join(f"{value:.4g}" for value, _ in figures)
        tell(f"{key.measure.title} of {key.host}: {series}; by hand {min(values):.4g} to {max(values):.4g} at the last")
    assert any((figure.value or 0) > 2 for figure in watched.figures if figure.key.measure is m.SESSIONS), "none held"
    assert any(figure.value for figure in watched.figures if figure.key.measure is m.SESSION_RATE), "no traffic"


def _looks_near(looks: list[ByHand], at: float) -> list[ByHand]:
    """The looks around a reading, which may be up to a second old when its snapshot is made."""
    slack_s = longest_gap(each.at for each in looks)
    return [each for each in looks if -1.2 - slack_s <= each.at - at <= 0.7]


def _etcdctl(lab: Lab) -> str:
    address = next(host.address for host in lab.spec.hosts if host.name == "cp1")
    files = "--cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/client.crt --key=/etc/etcd/pki/client.key"
    return f"env ETCDCTL_API=3 etcdctl --endpoints=https://{address}:2379 {files}"


def _write(lab: Lab, count: int) -> None:
    result = lab.exec(
        "cp1", "sh", "-c", f"for n in $(seq {count}); do {_etcdctl(lab)} put test-graphs $n || exit; done"
    )
    assert result.returncode == 0, result.stderr


async def _status(lab: Lab) -> dict[str, int]:
    result = await asyncio.to_thread(lab.exec, "cp1", "sh", "-c", f"{_etcdctl(lab)} endpoint status -w json")
    status = json.loads(result.stdout)[0]["Status"]
    return {"index": int(status["raftIndex"]), "size": int(status["dbSize"])}


async def _revision(lab: Lab) -> int:
    return (await _status(lab))["index"]


async def _database_size(lab: Lab) -> int:
    return (await _status(lab))["size"]


def _sessions(lab: Lab, host: str, server: str) -> int:
    result = lab.exec(host, "sh", "-c", f"echo 'show stat -1 4 -1' | socat - UNIX-CONNECT:{SOCKET}")
    rows = [line.split(",") for line in result.stdout.splitlines()]
    return next(int(row[4]) for row in rows if row[:2] == ["k8s_server_6443", server])
