"""Samples in the text that programs expose for Prometheus (prometheus.io: Exposition formats, version 0.0.4)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache

import msgspec

from haconsole.model.metrics import NO_OBSERVATIONS, Histogram
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


class Sample(msgspec.Struct, frozen=True):
    """One line: a metric's name, its labels and its value; NaN and infinities are values too."""

    name: str
    labels: dict[str, str]
    value: float


def samples(text: str, names: Collection[str]) -> Iterator[Sample]:
    """The samples of these names, in their order; the other lines, which may be very many, are not parsed."""
    for match in _lines_of(tuple(sorted(names))).finditer(text):
        try:
            value = float(match["value"])
        except ValueError:
            raise ProbeError(f"metrics: no value: {match[0][:200]!r}", Cause.UNREADABLE) from None
        yield Sample(match["name"], _labels(match["labels"] or ""), value)


@cache
def _lines_of(names: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(map(re.escape, names))
    return re.compile(rf"^(?P<name>{either})(?:\{{(?P<labels>.*)\}})? +(?P<value>\S+)(?: +-?\d+)?$", re.MULTILINE)


def _labels(text: str) -> dict[str, str]:
    return {name: _ESCAPED.sub(_character, value) for name, value in _LABEL.findall(text)}


def _character(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def histogram(buckets: Iterator[Sample] | tuple[Sample, ...]) -> Histogram:
    """The histogram that the samples of one series ``…_bucket`` make."""
    pairs = sorted((float(each.labels.get("le", "nan")), int(each.value)) for each in buckets)
    if not pairs or pairs[-1][0] != float("inf"):
        return NO_OBSERVATIONS
    return Histogram(tuple(upper for upper, _ in pairs[:-1]), tuple(count for _, count in pairs))
