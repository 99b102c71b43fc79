"""Series: the last hour in memory that does not grow, gaps that stay gaps."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haconsole.model import measures as m
from haconsole.model.figures import Figure
from haconsole.model.measures import MEASURES, SeriesKey
from haconsole.model.series import HOUR_S, MOST_SERIES, Measurements, Series

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
STEPS = st.lists(
    st.tuples(st.integers(0, 90), st.one_of(st.none(), st.integers(0, 1000).map(float))), min_size=1, max_size=60
)


def expected_values(
    puts: list[tuple[float, float | None]], start: float, end: float, hold: float
) -> list[float | None]:
    """The value of each second, by the simplest possible means."""
    result: list[float | None] = []
    for second in range(int(start), int(end)):
        inside = [value for at, value in puts if second <= at < second + 1]
        known = [value for value in inside if value is not None]
        if known or inside:
            result.append(max(known) if known else None)
            continue
        earlier = [at for at, _ in puts if second - hold <= at < second]
        newest_second = max((int(at) for at in earlier), default=None)
        holders = [value for at, value in puts if int(at) == newest_second and value is not None]
        result.append(max(holders) if holders else None)
    return result


@settings(max_examples=200)
@given(STEPS, st.integers(0, 20))
def test_every_second_shows_what_was_put_into_it(gaps: list[tuple[int, float | None]], hold: int) -> None:
    series, at, puts = Series(1.0), 1000.0, []
    for gap, value in gaps:
        at += gap
        series.put(at, value)
        puts.append((at, value))
    end = int(at) + 10
    start = max(990, end - 500)
    output = series.values(start, end, end - start, float(hold))
    assert list(output) == expected_values(puts, start, end, hold)


@settings(max_examples=100)
@given(STEPS, st.integers(1, 40))
def test_a_wider_cell_shows_the_largest_value_in_it(gaps: list[tuple[int, float | None]], width: int) -> None:
    series, at = Series(1.0), 1000.0
    for gap, value in gaps:
        at += gap
        series.put(at, value)
    start, cells = 960, 12
    end = start + cells * width
    fine = series.values(start, end, cells * width, 0.0)
    for number, value in enumerate(series.values(start, end, cells, 0.0)):
        known = [each for each in fine[number * width : (number + 1) * width] if each is not None]
        assert value == max(known, default=None)


@given(st.lists(st.integers(-4000, 8000), min_size=1, max_size=30))
def test_a_clock_that_jumps_breaks_nothing(jumps: list[int]) -> None:
    series, at = Series(1.0), 1_000_000.0
    for number, jump in enumerate(jumps):
        at += jump
        series.put(at, float(number))
    assert len(series.values(at - HOUR_S, at + 1, 100, 5.0)) == 100


def test_a_value_is_replaced_after_an_hour() -> None:
    series = Series(1.0)
    series.put(0.0, 7.0)
    assert series.values(0, 1, 1, 0) == (7.0,)
    series.put(HOUR_S, 8.0)
    assert series.values(0, 1, 1, 0) == (None,)
    assert series.values(HOUR_S, HOUR_S + 1, 1, 0) == (8.0,)


def test_a_failed_reading_ends_what_was_known() -> None:
    series = Series(1.0)
    series.put(10.0, 5.0)
    assert series.values(10, 13, 3, 12.5) == (5.0, 5.0, 5.0)
    series.put(12.0, None)
    assert series.values(10, 14, 4, 12.5) == (5.0, 5.0, None, None)


def test_readings_that_no_longer_come_are_a_gap_after_a_while() -> None:
    measurements = Measurements()
    key = SeriesKey(m.LOAD, "cp1")
    measurements.put(Figure(key, NOW, 1.5))
    output = measurements.values(key, NOW, NOW + timedelta(seconds=60), 60)
    assert output[:38] == (1.5,) * 38
    assert set(output[38:]) == {None}


def test_the_latest_value_is_one_for_a_while_only() -> None:
    measurements = Measurements()
    key = SeriesKey(m.LOAD, "cp1")
    measurements.put(Figure(key, NOW, 1.5))
    assert measurements.latest(key, NOW + timedelta(seconds=37)) == 1.5
    assert measurements.latest(key, NOW + timedelta(seconds=38)) is None


def test_nothing_is_known_before_the_first_reading() -> None:
    measurements = Measurements()
    key = SeriesKey(m.LOAD, "cp1")
    assert measurements.latest(key, NOW) is None
    assert measurements.values(key, NOW, NOW + timedelta(minutes=1), 4) == (None,) * 4


@pytest.mark.parametrize(("hosts", "megabytes"), [(5, 6), pytest.param(200, 20, marks=pytest.mark.thorough)])
def test_an_hour_of_a_cluster_needs_little_memory(hosts: int, megabytes: int) -> None:
    """Every host with every measure, and on three balancers each server of it."""
    per_host = [measure for measure in MEASURES if not measure.name.startswith("haproxy")]
    servers = [measure for measure in MEASURES if measure.name.startswith("haproxy")]
    tracemalloc.start()
    measurements = Measurements(hosts)
    for second in range(0, 2 * HOUR_S, 900):
        at = NOW + timedelta(seconds=second)
        for number in range(hosts):
            for measure in per_host:
                measurements.put(Figure(SeriesKey(measure, f"cp{number}"), at, 1.0))
            for measure in servers:
                for balancer in range(3):
                    measurements.put(Figure(SeriesKey(measure, f"cp{balancer}", f"k8s/{number}"), at, 1.0))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < megabytes << 20


def test_there_is_a_largest_number_of_series() -> None:
    measurements = Measurements(200)
    for number in range(MOST_SERIES + 10):
        measurements.put(Figure(SeriesKey(m.SESSIONS, "lb1", f"b/{number}"), NOW, 1.0))
    assert sum(1 for _ in measurements.keys(m.SESSIONS)) == MOST_SERIES


def test_every_measure_has_a_name_of_its_own() -> None:
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
