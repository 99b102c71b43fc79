"""Figures as text: a value with its unit, and its recent course in a few cells."""

from __future__ import annotations

from collections.abc import Sequence

from haconsole.model.measures import Measure, Unit
from haconsole.present.facts import size

BARS = "▁▂▃▄▅▆▇█"
GAP = " "
WIDTH = 10


def sparkline(values: Sequence[float | None], top: float) -> str:
    """A bar for each value, the highest for `top` and more; a blank where nothing was known."""
    return "".join(GAP if value is None else BARS[level(value, top, len(BARS))] for value in values)


def level(value: float, top: float, levels: int) -> int:
    """The step of `value` among so many from zero to `top`; only zero, and what is near it, is the lowest."""
    if value <= 0 or top <= 0:
        return 0
    return min(int(value / top * levels), levels - 1)


def scale_of(measure: Measure, values: Sequence[float | None]) -> float:
    """The value of the highest bar: the largest one, and not less than what is usual, so that calm looks calm."""
    return max(max((value for value in values if value is not None), default=0.0), measure.usual)


def figure_text(measure: Measure, value: float | None) -> str:
    """The value in its unit, in seven cells at most; ``?`` if it is unknown."""
    if value is None:
        return "?"
    match measure.unit:
        case Unit.SECONDS:
            return _seconds(value)
        case Unit.BYTES:
            return size(int(value))
        case Unit.RATIO:
            return f"{value:.0%}"
        case Unit.PER_SECOND:
            return f"{_number(value)}/s"
        case Unit.NUMBER:
            return _number(value)


def _seconds(value: float) -> str:
    if value < 0.0995:
        return f"{value * 1000:.1f}ms" if value < 0.00995 else f"{value * 1000:.0f}ms"
    return f"{value * 1000:.0f}ms" if value < 0.9995 else f"{value:.1f}s" if value < 99.95 else f"{value:.0f}s"


def _number(value: float) -> str:
    if value >= 9_999.5:
        return f"{value / 1000:.0f}k"
    return f"{value:.0f}" if value >= 99.95 or value == int(value) else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
