"""Lists the tests that `make check` leaves to `make test`: their cases take two tenths of a second or more.

    python -m pytest -n 4 --durations=0 -m "" tests/unit | python -m tests.tools.slow_tests

Reads pytest's durations from standard input and writes `tests/unit/slow_tests.txt`, one test function in each line.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

LIST = Path(__file__).parents[1] / "unit" / "slow_tests.txt"
SLOW_S = 0.2
ALWAYS = ("tests/unit/test_contracts.py", "tests/unit/test_names.py")
"""Tests of the structure, which `make check` is for."""
_LINE = re.compile(r"([\d.]+)s (?:setup|call|teardown) +(\S+?)(\[.*)?$")


def slow_tests(lines: Iterable[str]) -> list[str]:
    """Test functions of which at least one case takes `SLOW_S` or longer, in order of their names."""
    cases: dict[tuple[str, str], float] = defaultdict(float)
    for line in lines:
        if match := _LINE.match(line.strip()):
            cases[match[2], match[3] or ""] += float(match[1])
    slow = {function for (function, _), seconds in cases.items() if seconds >= SLOW_S}
    return sorted(function for function in slow if not function.startswith(ALWAYS))


if __name__ == "__main__":
    LIST.write_text("".join(f"{function}\n" for function in slow_tests(sys.stdin)))
