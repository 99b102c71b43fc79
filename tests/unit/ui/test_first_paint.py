"""Modules that painting the first frame loads, and modules that it must not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

PAINT = """
import sys
import haconsole.cli.console, haconsole.inventory.decode, haconsole.inventory.rules.table
import haconsole.ui.controllers.prompts, haconsole.ui.launch, haconsole.present.waiting
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    done = subprocess.run([sys.executable, "-c", PAINT], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("library", ["asyncssh", "grpc", "etcd3", "kubernetes", "cryptography", "urllib3"])
def test_no_client_library_is_loaded_before_the_first_paint(loaded: set[str], library: str) -> None:
    assert library not in loaded


@pytest.mark.parametrize(
    "part",
    ["model.snapshot", "model.hosts", "session", "actions.step", "present.detail", "present.tables", "present.running"],
)
def test_nothing_of_later_screens_is_loaded_before_the_first_paint(loaded: set[str], part: str) -> None:
    assert f"haconsole.{part}" not in loaded
