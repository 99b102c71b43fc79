"""Figures of the last hour in memory that does not grow: one number a step and series, the oldest replaced."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import datetime

from haconsole.model.figures import Figure, Meter
from haconsole.model.measures import Measure, SeriesKey
from haconsole.model.snapshot import ClusterSnapshot

HOUR_S = 3600
MANY_HOSTS = 20
"""From so many hosts on a step is longer."""
MOST_SERIES = 6000
"""Further series are not kept; three measures of each server on each balancer are most of them."""
PATIENCE = 2.5
"""Usual intervals for which a value counts when no newer reading comes."""
_MOST_RESULTS = 4
_NONE, _UNKNOWN = float("-inf"), float("inf")
"""In a step: no reading came; readings failed. Values are never negative."""


class Series:
    """One figure in steps of `step_s` seconds. Of several values in one step the largest stays."""

    __slots__ = ("_count", "_newest", "_step_s", "_steps", "_values")

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._count = int(HOUR_S / step_s)
        self._steps = array("f", [_NONE]) * self._count
        self._newest: int | None = None
        self._values: dict[tuple[float, float, int, float], tuple[float | None, ...]] = {}
        """Results that still hold: a screen reads the same parts again until the next value."""

    def put(self, at_s: float, value: float | None) -> None:
        """Keep a value, None for one that was not known; what is over an hour older than the newest is dropped."""
        step = int(at_s // self._step_s)
        self._values.clear()
        self._clear_until(step)
        if self._newest is not None and step <= self._newest - self._count:
            return
        place = step % self._count
        before = self._steps[place]
        if value is None:
            self._steps[place] = _UNKNOWN if before == _NONE else before
        else:
            self._steps[place] = value if before in (_NONE, _UNKNOWN) else max(before, value)

    def _clear_until(self, step: int) -> None:
        """Make the steps up to `step` the newest ones."""
        newest = self._newest
        if newest is None or step - newest >= self._count:
            if newest is not None:
                self._steps = array("f", [_NONE]) * self._count
            self._newest = step
        elif step > newest:
            for each in range(newest + 1, step + 1):
                self._steps[each % self._count] = _NONE
            self._newest = step

    def values(self, start_s: float, end_s: float, cells: int, hold_s: float) -> tuple[float | None, ...]:
        """The largest value in each of `cells` equal parts of that time, None where none was known.

        A part without a reading has the value before it, for `hold_s` seconds at most.
        """
        parts = (start_s, end_s, cells, hold_s)
        if parts not in self._values:
            width_s = (end_s - start_s) / cells
            if len(self._values) >= _MOST_RESULTS:
                self._values.clear()
            self._values[parts] = tuple(
                self._value_in(start_s + number * width_s, start_s + (number + 1) * width_s, hold_s)
                for number in range(cells)
            )
        return self._values[parts]

    def _value_in(self, start_s: float, end_s: float, hold_s: float) -> float | None:
        first, last = (
            int(start_s // self._step_s),
            max(int(-(-end_s // self._step_s)) - 1, int(start_s // self._step_s)),
        )
        inside = self._slice(first, last)
        known = max((value for value in inside if value not in (_NONE, _UNKNOWN)), default=None)
        if known is not None or _UNKNOWN in inside:
            return known
        before = self._slice(first - int(hold_s // self._step_s), first - 1)
        newest = next((value for value in reversed(before) if value != _NONE), _UNKNOWN)
        return None if newest == _UNKNOWN or self._is_after_newest(first, hold_s) else newest

    def _is_after_newest(self, step: int, hold_s: float) -> bool:
        return self._newest is None or step > self._newest + int(hold_s // self._step_s)

    def _slice(self, first: int, last: int) -> list[float]:
        """The steps from `first` to `last` that are kept."""
        if self._newest is None:
            return []
        steps = range(max(first, self._newest - self._count + 1), min(last, self._newest) + 1)
        return [self._steps[step % self._count] for step in steps]


class Measurements:
    """The figures of one cluster over the last hour; edited in place, read and written in one thread at a time."""

    def __init__(self, hosts: int = 1) -> None:
        self._step_s = 1.0 if hosts < MANY_HOSTS else 5.0
        self._meter = Meter()
        self._series: dict[SeriesKey, Series] = {}
        self._latest: dict[SeriesKey, Figure] = {}

    def add(self, snapshot: ClusterSnapshot) -> None:
        """Keep the figures that are new in a snapshot."""
        for figure in self._meter.figures(snapshot):
            self.put(figure)

    def put(self, figure: Figure) -> None:
        """Keep one figure; one of a new series is dropped if there are MOST_SERIES."""
        series = self._series.get(figure.key)
        if series is None:
            if len(self._series) >= MOST_SERIES:
                return
            series = self._series[figure.key] = Series(self._step_s)
        series.put(figure.at.timestamp(), figure.value)
        self._latest[figure.key] = figure

    def latest(self, key: SeriesKey, now: datetime) -> float | None:
        """The newest value; None if it is not known, or older than readings of it become."""
        figure = self._latest.get(key)
        if figure is None or (now - figure.at).total_seconds() > PATIENCE * key.measure.every_s:
            return None
        return figure.value

    def keys(self, measure: Measure) -> Iterator[SeriesKey]:
        """The subjects of a measure, in the order in which they appeared."""
        return (key for key in self._series if key.measure is measure)

    def values(self, key: SeriesKey, start: datetime, end: datetime, cells: int) -> tuple[float | None, ...]:
        """The figure in equal parts of that time."""
        series = self._series.get(key)
        if series is None:
            return (None,) * cells
        return series.values(start.timestamp(), end.timestamp(), cells, PATIENCE * key.measure.every_s)
