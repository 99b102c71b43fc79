"""Modules that are loaded before the first frame is painted, and modules that must not be."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

INVENTORY = Path(__file__).parents[3] / "sample-inventories" / "lab.yaml"
CONSOLE = """
import os, signal, sys

def leave(*_):
    with open(sys.argv[2], "w") as file:
        print(*sys.modules, file=file)
    os._exit(0)

signal.signal(signal.SIGUSR1, leave)
from haconsole.cli.console import show
from pathlib import Path
show(Path(sys.argv[1]), read_only=True, theme=None, ascii_only=False)
"""
PAINTED = b"etcd"
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a console, in a terminal of its own, that has painted its first frame."""
    modules = tmp_path_factory.mktemp("paint") / "modules"
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-c", CONSOLE, str(INVENTORY), str(modules)])
    seen = b""
    while PAINTED not in seen:
        assert select.select([terminal], [], [], WITHIN_S)[0], f"nothing was painted; the terminal got {seen[-500:]!r}"
        seen += os.read(terminal, 65536)
    os.kill(pid, signal.SIGUSR1)
    with suppress(OSError):
        while os.read(terminal, 65536):
            pass
    os.waitpid(pid, 0)
    os.close(terminal)
    return set(modules.read_text().split())


@pytest.mark.parametrize("library", ["asyncssh", "grpc", "etcd3", "kubernetes", "cryptography", "urllib3", "zoneinfo"])
def test_no_client_library_is_loaded_before_the_first_paint(loaded: set[str], library: str) -> None:
    assert library not in loaded


@pytest.mark.parametrize(
    "part",
    [
        "model.snapshot",
        "model.hosts",
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
