"""Which unit tests `make check` leaves to `make test`."""

from __future__ import annotations

import inspect

import pytest

from tests.tools.slow_tests import LIST

CONSOLE = LIST.parent / "ui"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark listed tests as thorough, and those that start the console: each start takes half a second."""
    listed = set(LIST.read_text().split())
    for item in items:
        if item.nodeid.partition("[")[0] in listed or _starts_console(item):
            item.add_marker(pytest.mark.thorough)


def _starts_console(item: pytest.Item) -> bool:
    """The tests of `test_app.py` are quick: they open the console once and press few keys."""
    if item.path.parent != CONSOLE or item.path.stem == "test_app":
        return False
    return isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj)
