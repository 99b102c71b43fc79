"""Modules that are loaded before the first frame is painted, and modules that must not be."""

from __future__ import annotations

import os
import pty
import select
import sys
from contextlib import suppress
from pathlib import Path

import pytest

INVENTORY = Path(__file__).parents[3] / "sample-inventories" / "lab.yaml"
CONSOLE = """
import sys
from pathlib import Path
from haconsole.cli.console import show
from haconsole.ui.app import ConsoleApp

def leave(app):
    Path(sys.argv[2]).write_text(" ".join(sys.modules))
    app.exit()

ConsoleApp._start = leave
show(Path(sys.argv[1]), read_only=True, theme=None, ascii_only=False)
"""
"""A console that ends where it would open its session, which it does once the first frame is painted."""
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a console, in a terminal of its own, that has painted its first frame."""
    modules = tmp_path_factory.mktemp("paint") / "modules"
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-c", CONSOLE, str(INVENTORY), str(modules)])
    reading = b""
    with suppress(OSError):
        while select.select([terminal], [], [], WITHIN_S)[0]:
            reading += os.read(terminal, 65536)
    os.waitpid(pid, 0)
    os.close(terminal)
    assert b"etcd" in reading, f"nothing was painted; the terminal got {reading[-500:]!r}"
    return set(modules.read_text().split())


@pytest.mark.parametrize("library", ["asyncssh", "grpc", "etcd3", "kubernetes", "cryptography", "urllib3", "zoneinfo"])
def test_no_client_library_is_loaded_before_the_first_paint(loaded: set[str], library: str) -> None:
    assert library not in loaded


@pytest.mark.parametrize(
    "part",
    [
        "model.snapshot",
        "model.hosts",
        "model.lock",
        "session",
        "actions.step",
        "present.detail",
        "present.notices",
        "present.tables",
        "present.running",
        "ui.screens.overlay",
    ],
)
def test_nothing_of_later_screens_is_loaded_before_the_first_paint(loaded: set[str], part: str) -> None:
    assert "haconsole.ui.screens.dashboard" in loaded
    assert f"haconsole.{part}" not in loaded
