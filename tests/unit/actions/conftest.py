"""Fixtures of the tests of actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.script_host import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder for the files of a host."""
    return Place(tmp_path)
