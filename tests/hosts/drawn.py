"""A share of a long matrix for every run of the tests; the rest is nightly."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
SHARE = 3
"""One of so many is drawn."""


def draw_third(cases: Iterable[T], *, always: Sequence[T] = (), never: Sequence[T] = ()) -> list[object]:
    """All cases as parameters: a third, drawn by the commit's hash, and those in `always`; the others are nightly.

    Those in `never` are nightly at every commit.

    The same commit draws the same cases in every process.
    """
    listed = list(cases)
    others = [case for case in listed if case not in (*always, *never)]
    choice = [*always, *random.Random(_commit()).sample(others, max(1, len(others) // SHARE))]
    return [case if case in choice else pytest.param(case, marks=pytest.mark.nightly) for case in listed]


def _commit() -> str:
    """The commit's hash; a constant where the tests run without the repository."""
    folder = Path(__file__).parent
    result = subprocess.run(("git", "rev-parse", "HEAD"), cwd=folder, capture_output=True, text=True)
    return result.stdout.strip() or "none"
