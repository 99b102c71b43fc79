"""A fixed time, and openssl for a second opinion."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

Openssl = Callable[..., str]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def openssl(tmp_path: Path) -> Openssl:
    """Run openssl in a folder of its own; returns what it printed, both streams, and fails the test when it fails."""

    def call(*arguments: str, **files: bytes) -> str:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        result = subprocess.run(["openssl", *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    return call
