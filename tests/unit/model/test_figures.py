"""Figures from snapshots: gauges, rates, quantiles; a failure is a gap and a restart no negative rate."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from haconsole.model import measures as m
from haconsole.model.figures import Figure, Meter
from haconsole.model.hosts import HostFacts
from haconsole.model.measures import SeriesKey
from haconsole.model.metrics import ApiserverMetrics, DiskTimes, EtcdMetrics, Histogram, HostUsage, RoundTrips
from haconsole.model.names import MemberId
from haconsole.model.observed import Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW, changed, healthy

BOUNDS = (0.001, 0.002, 0.004)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def etcd(seconds: float, writes: int, fsync: tuple[int, ...] = (0, 0, 0, 0), failed: int = 0) -> Known[EtcdMetrics]:
    times = Histogram(BOUNDS, fsync)
    peers = (RoundTrips(MemberId("a2"), times), RoundTrips(MemberId("a3"), Histogram(BOUNDS, (0, *fsync[:3]))))
    reading = EtcdMetrics(
        seconds, times, times, peers, failed_proposals=failed, committed_proposals=writes, applied_proposals=writes
    )
    return Known(reading, at(seconds))


def with_host(**facts: object) -> ClusterSnapshot:
    """The healthy cluster with these facts of cp1."""

    def change(host: HostFacts) -> HostFacts:
        return replace(host, **facts)

    return changed(healthy(), 1, change)


def of(figures: list[Figure], measure: m.Measure, host: str = "cp1", item: str = "") -> list[float | None]:
    return [each.value for each in figures if each.key == SeriesKey(measure, host, item)]


def test_rates_and_quantiles_are_of_what_happened_between_two_readings() -> None:
    meter = Meter()
    first = list(meter.figures(with_host(etcd_metrics=etcd(0, 100, (50, 60, 70, 80)))))
    assert of(first, m.WRITES) == []
    second = list(meter.figures(with_host(etcd_metrics=etcd(5, 150, (50, 60, 80, 90), failed=10))))
    assert of(second, m.WRITES) == [10.0]
    assert of(second, m.FAILED_PROPOSALS) == [2.0]
    assert of(second, m.FSYNC) == [pytest.approx(0.002 + 0.002 * 0.99)]


def test_without_observations_there_is_no_new_quantile_and_no_gap() -> None:
    meter = Meter()
    list(meter.figures(with_host(etcd_metrics=etcd(0, 100, (5, 6, 7, 8)))))
    figures = list(meter.figures(with_host(etcd_metrics=etcd(5, 100, (5, 6, 7, 8)))))
    assert (of(figures, m.FSYNC), of(figures, m.ROUND_TRIP), of(figures, m.WRITES)) == ([], [], [0.0])


def test_readings_every_second_make_rates_over_five() -> None:
    meter, rates = Meter(), []
    for second in range(10):
        rates += of(
            list(meter.figures(with_host(etcd_metrics=etcd(second, 10 * second + (7 if second == 9 else 0))))), m.WRITES
        )
    assert rates == [10.0] * 8 + [pytest.approx(10 + 7 / 5)]


def test_the_same_reading_counts_once() -> None:
    meter = Meter()
    snapshot = with_host(etcd_metrics=etcd(0, 100))
    list(meter.figures(snapshot))
    assert list(meter.figures(snapshot)) == []


def test_a_restarted_member_has_no_negative_rate() -> None:
    meter = Meter()
    list(meter.figures(with_host(etcd_metrics=etcd(0, 1000, (9, 9, 9, 9)))))
    figures = list(meter.figures(with_host(etcd_metrics=etcd(5, 20, (1, 1, 1, 1)))))
    assert of(figures, m.WRITES) == [4.0]
    assert of(figures, m.FSYNC) == [pytest.approx(0.00099)]


def test_a_failure_is_a_gap_and_its_end_no_rate_over_it() -> None:
    meter = Meter()
    list(meter.figures(with_host(etcd_metrics=etcd(0, 100))))
    list(meter.figures(with_host(etcd_metrics=etcd(5, 150))))
    failed = list(meter.figures(with_host(etcd_metrics=Failed("refused", at(10)))))
    assert of(failed, m.WRITES) == [None]
    second = list(meter.figures(with_host(etcd_metrics=etcd(600, 90_000))))
    assert [value for value in of(second, m.WRITES) if value is not None] == []


def test_a_follower_is_behind_by_the_leaders_index_at_the_time_of_its_own_reading() -> None:
    """cp1 leads and writes 100 entries a second; cp2 was read half a second before it, and is 3 entries behind."""
    meter = Meter()
    lags: list[float | None] = []
    for second in range(3):
        snapshot = healthy()
        for n, seconds, index, applied in (
            (1, second, 100 * second, 100 * second),
            (2, second - 0.5, 0, 100 * second - 53),
        ):

            def change(host: HostFacts, when: float = seconds, i: int = index, a: int = applied) -> HostFacts:
                assert isinstance(host.etcd, Known)
                endpoint = replace(host.etcd.value, raft_index=i, raft_applied_index=a)
                return replace(host, etcd=Known(endpoint, at(when)))

            snapshot = changed(snapshot, n, change)
        lags += of(list(meter.figures(snapshot)), m.LAG, "cp2")
    assert lags[1:] == [3.0, 3.0]


def usage(seconds: float, operations: int = 0, busy_ms: int = 0, *, device: str = "sda") -> Known[HostUsage]:
    disk = DiskTimes(device, operations, busy_ms)
    return Known(HostUsage(1000 + seconds, 0.5, 1000, 250, disk), at(seconds))


def test_a_hosts_usage() -> None:
    meter = Meter()
    first = list(meter.figures(with_host(usage=usage(0))))
    assert (of(first, m.LOAD), of(first, m.MEMORY), of(first, m.DISK)) == ([0.5], [0.75], [])
    assert of(list(meter.figures(with_host(usage=usage(5, 10, 40)))), m.DISK) == [0.004]
    assert of(list(meter.figures(with_host(usage=usage(10, 10, 40)))), m.DISK) == []
    assert of(list(meter.figures(with_host(usage=usage(15, 20, 80, device="sdb")))), m.DISK) == []


def test_a_rebooted_host_starts_again() -> None:
    meter = Meter()
    list(meter.figures(with_host(usage=usage(0, 10, 10))))
    rebooted = replace(usage(60, 5000, 9000), value=HostUsage(3.0, 0.1, 1000, 900, DiskTimes("sda", 5000, 9000)))
    assert of(list(meter.figures(with_host(usage=rebooted))), m.DISK) == []


def test_an_api_server_serves_and_fails() -> None:
    meter = Meter()
    before, after = ApiserverMetrics(0.0, 3, 100, 1), ApiserverMetrics(5.0, 4, 150, 6)
    first = list(meter.figures(with_host(apiserver_metrics=Known(before, at(0)), apiserver_ms=Known(12.5, at(0)))))
    assert (of(first, m.IN_FLIGHT), of(first, m.API_REQUEST), of(first, m.API_RATE)) == ([3.0], [0.0125], [])
    second = list(meter.figures(with_host(apiserver_metrics=Known(after, at(5)))))
    assert (of(second, m.API_RATE), of(second, m.API_ERRORS)) == ([10.0], [1.0])


def test_the_endpoint_belongs_to_the_cluster() -> None:
    meter = Meter()
    figures = list(meter.figures(replace(healthy(), endpoint_ms=Known(8.0, NOW, via="cp2"))))
    assert of(figures, m.ENDPOINT, "") == [0.008]
    missing = list(meter.figures(replace(healthy(), endpoint_ms=Failed("refused", at(5)))))
    assert of(missing, m.ENDPOINT, "") == [None]


def test_servers_of_a_balancer_and_one_that_is_gone() -> None:
    meter = Meter()
    figures = list(meter.figures(healthy()))
    assert of(figures, m.SESSIONS, "cp1", "k8s_server_6443/cp2") == [3.0]

    def shrink(host: HostFacts) -> HostFacts:
        assert isinstance(host.haproxy, Known)
        (backend,) = host.haproxy.value.backends
        backends = (replace(backend, servers=backend.servers[:1]),)
        return replace(host, haproxy=Known(replace(host.haproxy.value, backends=backends), at(1)))

    later = list(meter.figures(changed(healthy(), 1, shrink)))
    assert of(later, m.SESSIONS, "cp1", "k8s_server_6443/cp1") == [3.0]
    assert of(later, m.SESSIONS, "cp1", "k8s_server_6443/cp2") == [None]


def test_a_clock_differs_either_way() -> None:
    assert of(list(Meter().figures(with_host(clock_offset_ms=Known(-250.0, NOW)))), m.CLOCK) == [0.25]
