"""Which tests of the console `make check` leaves to `make test`."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

QUICK = {"test_app", "test_screens"}
"""Modules that start the console and are run by `make check` too: together they show every screen."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start the console as thorough: each start takes half a second or more."""
    here = Path(__file__).parent
    for item in items:
        starts = isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj)
        if item.path.parent == here and starts and item.path.stem not in QUICK:
            item.add_marker(pytest.mark.thorough)
