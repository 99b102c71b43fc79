"""Settings of every test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-screens", action="store_true", help="Write the screens' text files again.")


@pytest.fixture(params=["dash", pytest.param("busybox", marks=pytest.mark.thorough)])
def posix_shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Runs the test twice: `sh` is dash, then busybox ash. Returns the name of the shell."""
    name: str = request.param
    program = shutil.which(name)
    assert program is not None, f"{name} is not installed: make programs"
    folder: Path = tmp_path_factory.mktemp(name)
    (folder / "sh").symlink_to(program)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return name
