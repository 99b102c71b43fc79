"""Readings of counters and gauges, as their sources keep them, and the arithmetic between two readings.

Counters count from the start of their process, so a smaller value is a restart, and the new value is the increase.
`clock_s` of a reading are seconds of a clock that never jumps: rates need no calendar time.
"""

from __future__ import annotations

import msgspec

from haconsole.model.names import MemberId


class Histogram(msgspec.Struct, frozen=True):
    """Cumulative counts of observations by upper bound, as Prometheus exposes them (exposition format 0.0.4)."""

    bounds: tuple[float, ...]
    """Upper bounds in seconds, ascending, without infinity."""
    counts: tuple[int, ...]
    """Observations up to each bound, and all of them last: one more than there are bounds."""

    @property
    def total(self) -> int:
        return self.counts[-1] if self.counts else 0


NO_OBSERVATIONS = Histogram((), ())


def increase(before: float, after: float) -> float:
    """The increase of a counter; after a restart it counted from zero."""
    return after - before if after >= before else after


def observations(before: Histogram, after: Histogram) -> Histogram:
    """The observations between two readings; after a restart all of the later one."""
    restarted = before.bounds != after.bounds or any(
        later < earlier for earlier, later in zip(before.counts, after.counts, strict=False)
    )
    if restarted:
        return after
    return Histogram(
        after.bounds, tuple(later - earlier for earlier, later in zip(before.counts, after.counts, strict=True))
    )


def quantile(histogram: Histogram, share: float) -> float | None:
    """The value below which `share` of the observations are; None without observations.

    Within a bucket values count as evenly spread, and beyond the last bound as that bound (histogram_quantile of
    Prometheus).
    """
    if not histogram.total:
        return None
    rank = share * histogram.total
    lower, below = 0.0, 0
    for upper, count in zip(histogram.bounds, histogram.counts, strict=False):
        if count >= rank and count > below:
            return lower + (upper - lower) * (rank - below) / (count - below)
        lower, below = upper, max(below, count)
    return lower


class DiskWrites(msgspec.Struct, frozen=True):
    """A member's writes of its raft log to disk (WAL fsync) in the last seconds."""

    seconds: float
    count: int
    slow: int
    """Those that took longer than `SLOW_WRITE_S`, to the resolution of etcd's histogram."""
    p99_s: float
    """99 % of them took at most this time."""


SLOW_WRITE_S = 0.128
"""The first bound of etcd's histogram above the heartbeat interval of 100 ms."""


def disk_writes(before: EtcdMetrics, after: EtcdMetrics) -> DiskWrites | None:
    """The writes between two readings of one member; None without any."""
    writes = observations(before.fsync, after.fsync)
    p99_s = quantile(writes, 0.99)
    if p99_s is None:
        return None
    fast = max((n for upper, n in zip(writes.bounds, writes.counts, strict=False) if upper <= SLOW_WRITE_S), default=0)
    return DiskWrites(after.clock_s - before.clock_s, writes.total, writes.total - fast, p99_s)


class RoundTrips(msgspec.Struct, frozen=True):
    """Times of messages from a member to one peer and back."""

    peer: MemberId
    times: Histogram


class EtcdMetrics(msgspec.Struct, frozen=True):
    """A member's own metrics at /metrics (etcd.io: Metrics). All but the gauges count from the start of its process."""

    clock_s: float
    fsync: Histogram = NO_OBSERVATIONS
    """Times to write the raft log to disk."""
    commit: Histogram = NO_OBSERVATIONS
    """Times to commit to the database."""
    round_trips: tuple[RoundTrips, ...] = ()
    failed_proposals: int = 0
    pending_proposals: int = 0
    """A gauge."""
    committed_proposals: int = 0
    """The raft index of the newest committed entry: every write is one entry."""
    applied_proposals: int = 0
    leader_changes: int = 0
    slow_applies: int = 0


class ApiserverMetrics(msgspec.Struct, frozen=True):
    """An API server's own metrics (kubernetes.io: Kubernetes Metrics Reference)."""

    clock_s: float
    in_flight: int
    """Requests that it serves now; watches are not counted."""
    requests: int
    """Answered since its start."""
    errors: int
    """Answered with a status of 500 or more since its start."""


class DiskTimes(msgspec.Struct, frozen=True):
    """Counters of one block device since the boot of the host (kernel.org: I/O statistics fields)."""

    device: str
    """The kernel's name, like ``sda1``."""
    operations: int
    """Reads, writes and flushes that ended."""
    busy_ms: int
    """Milliseconds that these took, added up."""


class HostUsage(msgspec.Struct, frozen=True):
    """The load of a host; None where it does not report a value."""

    clock_s: float
    """Seconds since the host's boot."""
    load: float | None = None
    """Average of runnable tasks over one minute."""
    memory_bytes: int | None = None
    available_bytes: int | None = None
    """Memory that programs can get without swapping."""
    disk: DiskTimes | None = None
    """The block device below etcd's data, otherwise below ``/``; None where the file system has none."""
