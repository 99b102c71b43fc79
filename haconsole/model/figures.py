"""Figures from snapshots: gauges as they are, rates and quantiles from the difference of two readings.

A rate is over the readings of the last `WINDOW_S` seconds, so that frequent readings give steady figures. After a
failure, and after a restart of the clock that a reading carries, the first reading gives no rate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from haconsole.model import measures as m
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.haproxy import HaproxyFacts
from haconsole.model.hosts import HostFacts
from haconsole.model.measures import Measure, SeriesKey
from haconsole.model.metrics import ApiserverMetrics, EtcdMetrics, HostUsage, increase, observations, quantile
from haconsole.model.observed import Failed, Known, Observed
from haconsole.model.snapshot import ClusterSnapshot

WINDOW_S = 4.5
P99 = 0.99


class Figure(msgspec.Struct, frozen=True):
    """One value at a time; None: it was not known then."""

    key: SeriesKey
    at: datetime
    value: float | None


class Clocked(Protocol):
    @property
    def clock_s(self) -> float: ...


R = TypeVar("R", bound=Clocked)
Values = Iterator[tuple[Measure, str, float | None]]
"""A measure, an item (a server of a balancer, otherwise empty) and the value; none where nothing was measured."""


class Meter:
    """Turns each new snapshot into the figures that are new in it."""

    def __init__(self) -> None:
        self._sources: dict[tuple[str, str], _Source] = {}
        self._leader = _LeaderIndex()

    def figures(self, snapshot: ClusterSnapshot) -> Iterator[Figure]:
        """The figures of every reading that the previous snapshot did not have."""
        self._leader.learn(snapshot)
        for facts in snapshot.hosts:
            for name, values in self._of_host(facts):
                yield from self._source(facts.host, name).figures(getattr(facts, name), values)
        yield from self._source("", "endpoint_ms").figures(snapshot.endpoint_ms, _endpoint)

    def _source(self, host: str, fact: str) -> _Source:
        return self._sources.setdefault((host, fact), _Source(host))

    def _of_host(self, facts: HostFacts) -> Iterator[tuple[str, Callable[[_Readings, Known[object]], Values]]]:
        yield "usage", _usage
        yield "etcd_metrics", _etcd
        yield "etcd", self._leader.of_member
        yield "apiserver_ms", _apiserver_ms
        yield "apiserver_metrics", _apiserver
        yield "haproxy", _haproxy
        yield "clock_offset_ms", _clock


class _Readings:
    """The earlier readings that rates are made with."""

    def __init__(self) -> None:
        self._earlier: deque[Clocked] = deque()

    def before(self, reading: R) -> R | None:
        """The reading at least WINDOW_S older, otherwise the oldest one since the last failure; keeps `reading`."""
        readings: deque[R] = self._earlier  # type: ignore[assignment]
        if readings and reading.clock_s <= readings[-1].clock_s:
            readings.clear()
        while len(readings) > 1 and readings[1].clock_s <= reading.clock_s - WINDOW_S:
            readings.popleft()
        base = readings[0] if readings else None
        readings.append(reading)
        return base

    def forget(self) -> None:
        """Make no difference to a reading before now."""
        self._earlier.clear()


class _Source:
    """One fact of one host over time."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._at: datetime | None = None
        self._value: object = None
        self._keys: dict[SeriesKey, None] = {}
        self._readings = _Readings()

    def figures(self, fact: Observed[object], values: Callable[[_Readings, Known[object]], Values]) -> Iterator[Figure]:
        match fact:
            case Known(at=at) if at != self._at:
                self._at = at
                if isinstance(fact.value, EtcdMetrics | ApiserverMetrics | HostUsage) and fact.value == self._value:
                    return
                self._value = fact.value
                yield from self._known(values(self._readings, fact), at)
            case Failed(at=at) if at != self._at:
                self._at = at
                self._readings.forget()
                yield from (Figure(key, at, None) for key in self._keys)
            case _:
                return

    def _known(self, values: Values, at: datetime) -> Iterator[Figure]:
        """The values, and for items that are no longer there that they have none."""
        items: set[str] = set()
        for measure, item, value in values:
            key = SeriesKey(measure, self._host, item)
            items.add(item)
            self._keys[key] = None
            yield Figure(key, at, value)
        for key in [key for key in self._keys if key.item and key.item not in items]:
            del self._keys[key]
            yield Figure(key, at, None)


def _usage(readings: _Readings, fact: Known[object]) -> Values:
    usage = fact.value
    assert isinstance(usage, HostUsage)
    before = readings.before(usage)
    yield m.LOAD, "", usage.load
    share = None
    if usage.memory_bytes and usage.available_bytes is not None:
        share = 1 - usage.available_bytes / usage.memory_bytes
    yield m.MEMORY, "", share
    disk_s = _disk_s(before, usage) if before else None
    if disk_s is not None:
        yield m.DISK, "", disk_s


def _disk_s(before: HostUsage, after: HostUsage) -> float | None:
    """The mean time of an operation; None if there was none, or none on a disk that is known."""
    if before.disk is None or after.disk is None or before.disk.device != after.disk.device:
        return None
    operations = increase(before.disk.operations, after.disk.operations)
    return increase(before.disk.busy_ms, after.disk.busy_ms) / operations / 1000 if operations else None


def _etcd(readings: _Readings, fact: Known[object]) -> Values:
    after = fact.value
    assert isinstance(after, EtcdMetrics)
    before = readings.before(after)
    if before is None:
        return
    seconds = after.clock_s - before.clock_s
    times = (
        (m.FSYNC, quantile(observations(before.fsync, after.fsync), P99)),
        (m.COMMIT, quantile(observations(before.commit, after.commit), P99)),
        (m.ROUND_TRIP, _slowest_peer_s(before, after)),
    )
    yield from ((measure, "", value) for measure, value in times if value is not None)
    yield m.WRITES, "", increase(before.committed_proposals, after.committed_proposals) / seconds
    yield m.FAILED_PROPOSALS, "", increase(before.failed_proposals, after.failed_proposals) / seconds
    yield m.SLOW_APPLIES, "", increase(before.slow_applies, after.slow_applies) / seconds
    yield m.LEADER_CHANGES, "", increase(before.leader_changes, after.leader_changes) / seconds


def _slowest_peer_s(before: EtcdMetrics, after: EtcdMetrics) -> float | None:
    earlier = {each.peer: each.times for each in before.round_trips}
    peers = (
        quantile(observations(earlier[each.peer], each.times), P99)
        for each in after.round_trips
        if each.peer in earlier
    )
    return max((value for value in peers if value is not None), default=None)


class _LeaderIndex:
    """The leader's newest committed index, by which the other members are behind."""

    def __init__(self) -> None:
        self._newest: tuple[datetime, int] | None = None
        self._rate = 0.0

    def learn(self, snapshot: ClusterSnapshot) -> None:
        for facts in snapshot.hosts:
            if isinstance(facts.etcd, Known) and facts.etcd.value.member_id == facts.etcd.value.leader_id:
                self._put(facts.etcd.at, facts.etcd.value.raft_index)
                return
        self._newest = None

    def _put(self, at: datetime, index: int) -> None:
        if self._newest is None or index < self._newest[1]:
            self._rate = 0.0
        elif at > self._newest[0]:
            self._rate = (index - self._newest[1]) / (at - self._newest[0]).total_seconds()
        self._newest = (at, index)

    def of_member(self, readings: _Readings, fact: Known[object]) -> Values:
        """The member's distance to the leader at the time of its own reading, and the size of its database."""
        endpoint = fact.value
        assert isinstance(endpoint, EtcdEndpoint)
        yield m.LAG, "", self._lag(fact.at, endpoint)
        yield m.DB_SIZE, "", float(endpoint.db_size_bytes)
        in_use = endpoint.db_in_use_bytes
        yield m.DB_IN_USE, "", None if in_use is None else float(in_use)

    def _lag(self, at: datetime, endpoint: EtcdEndpoint) -> float | None:
        """The leader and a follower are read at different moments, between which the leader went on writing."""
        if self._newest is None:
            return None
        leader_at, index = self._newest
        then = index + self._rate * min((at - leader_at).total_seconds(), 0.0)
        return max(0.0, round(then) - endpoint.raft_applied_index)


def _apiserver_ms(readings: _Readings, fact: Known[object]) -> Values:
    assert isinstance(fact.value, float)
    yield m.API_REQUEST, "", fact.value / 1000


def _endpoint(readings: _Readings, fact: Known[object]) -> Values:
    assert isinstance(fact.value, float)
    yield m.ENDPOINT, "", fact.value / 1000


def _apiserver(readings: _Readings, fact: Known[object]) -> Values:
    after = fact.value
    assert isinstance(after, ApiserverMetrics)
    before = readings.before(after)
    yield m.IN_FLIGHT, "", float(after.in_flight)
    if before is not None:
        seconds = after.clock_s - before.clock_s
        yield m.API_RATE, "", increase(before.requests, after.requests) / seconds
        yield m.API_ERRORS, "", increase(before.errors, after.errors) / seconds


def _haproxy(readings: _Readings, fact: Known[object]) -> Values:
    haproxy = fact.value
    assert isinstance(haproxy, HaproxyFacts)
    for backend in haproxy.backends:
        for server in backend.servers:
            item = f"{backend.name}/{server.name}"
            yield m.SESSIONS, item, float(server.sessions)
            yield m.SESSION_RATE, item, float(server.rate)
            yield m.QUEUE, item, float(server.queue)


def _clock(readings: _Readings, fact: Known[object]) -> Values:
    assert isinstance(fact.value, float)
    yield m.CLOCK, "", abs(fact.value) / 1000
