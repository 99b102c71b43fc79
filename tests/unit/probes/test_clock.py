from __future__ import annotations

import pytest

from haconsole.probes.errors import ProbeError
from haconsole.probes.hosts.clock import ClockSample, best, parse


def test_the_way_there_and_back_is_halved() -> None:
    assert ClockSample(sent_at=100.0, received_at=100.2, host_time=100.6).offset_ms == pytest.approx(500)


def test_the_fastest_answer_is_believed() -> None:
    slow, fast = ClockSample(0.0, 1.0, 0.9), ClockSample(2.0, 2.01, 2.006)
    assert best((slow, fast)) is fast


def test_date_with_and_without_fractions() -> None:
    assert parse("1795259655.191538134\n") == pytest.approx(1795259655.191538)
    assert parse("1795259655.%N\n") == 1795259655.5


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(ProbeError, match="not a time"):
        parse("Thu Jan  1")


def test_a_slow_answer_proves_only_what_it_cannot_explain() -> None:
    assert ClockSample(0.0, 2.0, 1.7).certain_offset_ms == 0
    assert ClockSample(0.0, 2.0, 0.3).certain_offset_ms == 0
    assert ClockSample(0.0, 2.0, 5.0).certain_offset_ms == pytest.approx(3000)
    assert ClockSample(0.0, 2.0, -3.0).certain_offset_ms == pytest.approx(-3000)
