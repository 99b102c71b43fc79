"""A member whose disk is slow, by its own measurements of its writes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.events import EventKind, RecentEvents
from haconsole.model.findings import Finding
from haconsole.model.hosts import HostFacts
from haconsole.model.metrics import DiskWrites, EtcdMetrics
from haconsole.model.observed import Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import Pressure, SystemFacts
from haconsole.probes.fact_store import LastMetrics
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy
from tests.fakes.metrics import fsyncs


def writing(n: int, writes: DiskWrites, *, cpu: float = 5.0) -> ClusterSnapshot:
    """The cluster with these writes of one member; `cpu` is the pressure on its processor."""

    def change(facts: HostFacts) -> HostFacts:
        system = SystemFacts(facts.host, "1" * 32, pressure=Pressure(cpu=cpu))
        return replace(facts, disk_writes=writes, etcd_metrics=Known(EtcdMetrics(9.0), NOW), system=Known(system, NOW))

    return changed(healthy(), n, change)


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def test_slow_writes_of_a_follower_are_found_with_their_figures() -> None:
    (finding,) = findings_of(writing(2, DiskWrites(15.0, 60, 9, 0.42)))
    assert (finding.code, finding.subject) == ("etcd.slow-disk", "cp2")
    assert "99 % of 60 writes to disk (WAL fsync) in 15 s took at most 420 ms" in finding.evidence[0]
    assert len(finding.remedies) == 1, "it does not lead"


def test_a_leader_with_a_slow_disk_may_give_its_leadership_away() -> None:
    (finding,) = findings_of(writing(1, DiskWrites(15.0, 60, 9, 0.42)))
    assert [remedy.text for remedy in finding.remedies][1].startswith("until the disk is fast enough")


@pytest.mark.parametrize(
    "writes",
    [DiskWrites(15.0, 60, 0, 0.009), DiskWrites(15.0, 60, 0, 0.09), DiskWrites(15.0, 40, 2, 0.3)],
    ids=["healthy", "slower than healthy", "two hiccups"],
)
def test_writes_that_disturb_nobody_are_no_finding(writes: DiskWrites) -> None:
    assert findings_of(writing(2, writes)) == ()


def test_a_host_that_waits_for_its_processor_has_a_higher_limit() -> None:
    assert findings_of(writing(2, DiskWrites(15.0, 60, 9, 0.42), cpu=95.0)) == ()
    (finding,) = findings_of(writing(2, DiskWrites(15.0, 60, 9, 0.9), cpu=95.0))
    assert finding.code == "etcd.slow-disk"


def test_figures_and_log_make_one_finding() -> None:
    logged = Known((RecentEvents(EventKind.SLOW_WRITE, tuple(range(95, 0, -10))),), NOW)
    snapshot = changed(writing(2, DiskWrites(15.0, 60, 9, 1.2)), 2, lambda facts: replace(facts, events=logged))
    (finding,) = findings_of(snapshot)
    assert len(finding.evidence) == 3


def test_writes_of_a_member_that_is_no_longer_read_are_no_finding() -> None:
    snapshot = writing(2, DiskWrites(15.0, 60, 9, 0.42))
    absent = changed(snapshot, 2, lambda facts: replace(facts, etcd_metrics=Failed("cp2: etcd: gone", NOW)))
    assert findings_of(absent) == ()


def test_writes_are_counted_between_readings_of_the_last_minute() -> None:
    metrics = LastMetrics()
    assert metrics.add(Known(fsyncs(0.0, 10, 0), NOW)) is None
    assert metrics.add(Known(fsyncs(15.0, 10, 0), NOW)) is None, "nothing was written"
    writes = metrics.add(Known(fsyncs(30.0, 15, 5), NOW))
    assert writes is not None
    assert (writes.seconds, writes.count, writes.slow) == (30.0, 10, 5)
    assert 0.256 < writes.p99_s <= 0.512
    writes = metrics.add(Known(fsyncs(100.0, 25, 5), NOW))
    assert writes is None, "the older readings are more than a minute old"


def test_a_member_that_restarted_counts_from_zero() -> None:
    metrics = LastMetrics()
    metrics.add(Known(fsyncs(0.0, 900, 90), NOW))
    writes = metrics.add(Known(fsyncs(15.0, 20, 0), NOW))
    assert writes is not None
    assert (writes.count, writes.slow) == (20, 0)


def test_readings_that_failed_end_the_interval() -> None:
    metrics = LastMetrics()
    metrics.add(Known(fsyncs(0.0, 10, 0), NOW))
    assert metrics.add(Failed("cp2: gone", NOW)) is None
    assert metrics.add(Known(fsyncs(20.0, 20, 0), NOW)) is None
