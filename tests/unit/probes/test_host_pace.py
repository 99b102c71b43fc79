"""A slow host is queried less often, and its silence is judged by its own pace until it recovers."""

from __future__ import annotations

import subprocess
import time

import pytest

from haconsole.probes.context import ProbeTimings
from haconsole.probes.host_pace import LONGEST_S, HostPace, pause_after
from haconsole.scripts import load_script

TIMINGS = ProbeTimings()


def test_a_healthy_host_is_late_and_lost_after_the_usual_times() -> None:
    pace = HostPace(TIMINGS)
    pace.begin(0.0)
    for second in range(1, 10):
        pace.end_round(float(second))
    assert (pace.late_s, pace.silence_s) == (TIMINGS.late_s, TIMINGS.silence_s)


def test_silence_is_judged_by_the_hosts_own_rounds() -> None:
    pace = HostPace(TIMINGS)
    pace.begin(0.0)
    pace.end_round(5.0)
    assert (pace.late_s, pace.silence_s) == (15.0, 15.0)
    pace.end_round(6.0)
    assert (pace.late_s, pace.silence_s) == (TIMINGS.late_s, TIMINGS.silence_s)
    pace.end_round(106.0)
    assert (pace.late_s, pace.silence_s) == (LONGEST_S, LONGEST_S)


def test_a_script_that_was_given_up_gets_more_time_the_next_time_until_a_round_is_fast_again() -> None:
    pace, waits = HostPace(TIMINGS), []
    for start in range(5):
        pace.begin(start * 100.0)
        waits.append(pace.silence_s)
        pace.give_up()
    assert waits == [8.0, 16.0, 32.0, 60.0, 60.0]
    pace.begin(600.0)
    pace.end_round(602.0)
    assert pace.silence_s == TIMINGS.silence_s


@pytest.mark.parametrize(("took", "pause"), [(0.1, 1.0), (1.0, 1.0), (4.0, 4.0), (500.0, LONGEST_S)])
def test_the_pause_grows_with_the_time_of_the_answer(took: float, pause: float) -> None:
    assert pause_after(took, 1.0) == pause


WAITS = f"""
wait_for_round() {{
{load_script("wait-for-round")}
}}
(while sleep 0.05; do echo || exit; done) | {{
  exec 9<&0 </dev/null; ticks=yes
  wait_for_round 0.2 10
  sleep "$1"
  began=$(date +%s%N)
  wait_for_round 0.2 10
  echo $((($(date +%s%N) - began) / 1000000))
}}
"""


@pytest.mark.parametrize(("round_s", "least", "most"), [("0", 50, 900), ("1.5", 1300, 3500)])
def test_the_script_waits_for_as_long_as_its_round_took(round_s: str, least: int, most: int) -> None:
    began = time.monotonic()
    result = subprocess.run(
        ("sh", "-c", WAITS, "waits", round_s), capture_output=True, text=True, timeout=30, check=True
    )
    assert least <= int(result.stdout) <= most, (result.stdout, time.monotonic() - began)
