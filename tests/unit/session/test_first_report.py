"""The first report counts from the start of the process, however long that took to load."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from haconsole.session.observing import FIRST_AFTER_S, NOW_S, first_after_s, process_age_s


@pytest.mark.parametrize(
    ("age", "remaining"), [(0.0, FIRST_AFTER_S), (1.5, 2.5), (2.5, 1.0), (3.5, NOW_S), (900.0, NOW_S)]
)
def test_the_time_left_until_the_first_report(age: float, remaining: float) -> None:
    assert first_after_s(age) == remaining


def test_the_age_of_a_process_includes_its_imports() -> None:
    code = "import time; time.sleep(0.5); from haconsole.session.observing import process_age_s; print(process_age_s())"
    began = time.monotonic()
    result = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert 0.5 <= float(result.stdout) <= time.monotonic() - began + 0.1
    assert process_age_s() > 0.0
