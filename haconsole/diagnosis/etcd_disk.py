"""The rule about a member whose writes wait for its disk: by its own measurements, and by its log."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate, on
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.repetitions import WINDOW_S, recent_events
from haconsole.model.component import is_starved
from haconsole.model.etcd_view import etcd_view
from haconsole.model.events import EventKind
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.metrics import SLOW_WRITE_S, DiskWrites
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot

HEALTHY_S = 0.01
"""99 % of a healthy member's WAL fsyncs take less (etcd.io: Metrics, Disk)."""
SLOW_S = 0.1
"""Ten times that, and the default heartbeat interval: a leader that waits so long sends its heartbeats late."""
SLOW_WHERE_BUSY_S = 0.5
"""The limit of etcd's own alert etcdHighFsyncDurations, for hosts whose processes mostly wait for a processor."""
SLOW_WRITES = 3
"""So many slow writes are no single hiccup."""
LOGGED = 3
"""Logged waits within the window that are normal."""


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """One candidate for each member whose disk is slow."""
    leader = next((row.host for row in etcd_view(snapshot).members if row.leader), None)
    for facts in snapshot.hosts:
        evidence = (*_measured(facts), *_logged(facts))
        if evidence:
            yield _slow(facts.host, evidence, leads=facts.host == leader)


def _measured(facts: HostFacts) -> Iterator[str]:
    writes = facts.disk_writes
    if writes is None or not isinstance(facts.etcd_metrics, Known) or not is_slow_write(writes, busy=is_starved(facts)):
        return
    yield (
        f"{facts.host}: 99 % of {writes.count} writes to disk (WAL fsync) in {writes.seconds:.0f} s took at most "
        f"{writes.p99_s * 1000:.0f} ms; a healthy disk needs less than {HEALTHY_S * 1000:.0f} ms"
    )
    yield f"{facts.host}: {writes.slow} of the writes took longer than {SLOW_WRITE_S * 1000:.0f} ms"


def is_slow_write(writes: DiskWrites, *, busy: bool) -> bool:
    """Slow enough, and often enough, to disturb the cluster."""
    return writes.p99_s > (SLOW_WHERE_BUSY_S if busy else SLOW_S) and writes.slow >= SLOW_WRITES


def _logged(facts: HostFacts) -> Iterator[str]:
    count = recent_events(facts, EventKind.SLOW_WRITE)
    if count > LOGGED:
        yield f"{facts.host}: etcd logged {count} times in the last {WINDOW_S} s that a write took more than a second"


def _slow(host: HostName, evidence: tuple[str, ...], *, leads: bool) -> Candidate:
    return Candidate(
        Finding(
            "etcd.slow-disk",
            Severity.WARNING,
            host,
            f"{host}: etcd waits for its disk",
            "A member acknowledges a write only when the write is on disk. A leader with a slow disk slows the "
            "cluster down.",
            evidence,
            tuple(_remedies(host, leads=leads)),
        ),
        (NOT_BOOTSTRAPPED, *on(host, "host.disk-full", "host.slow", "service.limited")),
        overload=True,
    )


def _remedies(host: HostName, *, leads: bool) -> Iterator[Remedy]:
    yield advice(
        f"on {host}: find other programs that write to this disk (iotop, iostat -x 1); give etcd a separate disk"
    )
    if leads:
        yield call("move-leader", "until the disk is fast enough: let another member lead")
