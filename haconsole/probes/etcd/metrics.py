"""The measurements of a member, from its /metrics (etcd.io: Metrics)."""

from __future__ import annotations

from collections import defaultdict

from haconsole.model.metrics import EtcdMetrics, Histogram, RoundTrips
from haconsole.model.names import MemberId
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.probes.exposition import Sample, histogram, samples

_FSYNC = "etcd_disk_wal_fsync_duration_seconds_bucket"
_COMMIT = "etcd_disk_backend_commit_duration_seconds_bucket"
_ROUND_TRIP = "etcd_network_peer_round_trip_time_seconds_bucket"
_COUNTS = {
    "etcd_server_proposals_failed_total": "failed_proposals",
    "etcd_server_proposals_pending": "pending_proposals",
    "etcd_server_proposals_committed_total": "committed_proposals",
    "etcd_server_proposals_applied_total": "applied_proposals",
    "etcd_server_leader_changes_seen_total": "leader_changes",
    "etcd_server_slow_apply_total": "slow_applies",
}
"""Names in etcd 3.4 to 3.6, and the fields for them."""


def metrics_of(text: str, clock_s: float) -> EtcdMetrics:
    """The metrics in a page that was read at `clock_s`; ProbeError if it is no page of etcd's metrics."""
    buckets: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    counts: dict[str, int] = {}
    for sample in samples(text, (_FSYNC, _COMMIT, _ROUND_TRIP, *_COUNTS)):
        if sample.name in _COUNTS:
            counts[_COUNTS[sample.name]] = int(sample.value)
        else:
            buckets[sample.name, sample.labels.get("To", "")].append(sample)
    if "committed_proposals" not in counts:
        raise ProbeError("etcd: /metrics has no etcd_server_proposals_committed_total", Cause.UNREADABLE)
    peers = sorted(peer for name, peer in buckets if name == _ROUND_TRIP)
    return EtcdMetrics(
        clock_s,
        _histogram(buckets, _FSYNC),
        _histogram(buckets, _COMMIT),
        tuple(RoundTrips(MemberId(peer), _histogram(buckets, _ROUND_TRIP, peer)) for peer in peers),
        **counts,
    )


def _histogram(buckets: dict[tuple[str, str], list[Sample]], name: str, to: str = "") -> Histogram:
    return histogram(tuple(buckets.get((name, to), ())))
