"""Counters, histograms and their quantiles: differences between two readings, restarts included."""

from __future__ import annotations

import bisect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haconsole.model.metrics import NO_OBSERVATIONS, Histogram, increase, observations, quantile

BOUNDS = (0.001, 0.002, 0.004, 0.008, 0.016)
VALUES = st.lists(st.floats(0, 0.03, allow_nan=False), max_size=60)


def histogram_of(values: list[float]) -> Histogram:
    ordered = sorted(values)
    return Histogram(BOUNDS, (*(bisect.bisect_right(ordered, upper) for upper in BOUNDS), len(values)))


@given(VALUES, VALUES)
def test_the_difference_of_two_readings_is_what_was_observed_between(before: list[float], later: list[float]) -> None:
    assert observations(histogram_of(before), histogram_of([*before, *later])) == histogram_of(later)


@given(VALUES, VALUES)
def test_after_a_restart_everything_counts(before: list[float], after: list[float]) -> None:
    earlier, later = histogram_of(before), histogram_of(after)
    if any(new < old for old, new in zip(earlier.counts, later.counts, strict=True)):
        assert observations(earlier, later) == later


@given(VALUES.filter(bool), st.floats(0.01, 0.999))
def test_a_quantile_is_in_the_bucket_of_the_value_at_that_rank(values: list[float], share: float) -> None:
    result = quantile(histogram_of(values), share)
    ordered = sorted(values)
    place = next(count for count in range(1, len(values) + 1) if count >= share * len(values))
    at_rank = ordered[place - 1]
    index = bisect.bisect_left(BOUNDS, at_rank)
    lower = BOUNDS[index - 1] if index else 0.0
    upper = BOUNDS[index] if index < len(BOUNDS) else BOUNDS[-1]
    assert result is not None
    assert lower <= result <= upper + 1e-12


def test_no_observation_has_no_quantile() -> None:
    assert quantile(NO_OBSERVATIONS, 0.99) is None
    assert quantile(histogram_of([]), 0.99) is None


def test_a_quantile_is_interpolated_in_its_bucket() -> None:
    """As histogram_quantile(0.5, …) of Prometheus: rank 2 of 4, the second half of the bucket's way."""
    assert quantile(Histogram((1.0, 2.0), (0, 4, 4)), 0.5) == pytest.approx(1.5)


@pytest.mark.parametrize(("before", "after", "expected"), [(3, 7, 4), (7, 3, 3), (7, 7, 0), (7, 0, 0)])
def test_an_increase_survives_a_restart(before: int, after: int, expected: int) -> None:
    assert increase(before, after) == expected
