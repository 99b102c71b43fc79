"""A file that cannot be used is reported with a fix that fits the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from haconsole.errors import file_hint


def _of(use: Callable[[], object]) -> OSError:
    with pytest.raises(OSError, match=r"\[Errno") as excinfo:
        use()
    return excinfo.value


def test_the_fix_follows_the_reason(tmp_path: Path) -> None:
    missing, file = tmp_path / "none" / "x", tmp_path / "file"
    file.touch()
    assert "folder" in file_hint(missing, _of(missing.touch), to_write=True)
    assert str(missing.parent) in file_hint(missing, _of(missing.touch), to_write=True)
    assert file_hint(missing, _of(missing.read_bytes)) == "correct the path"
    assert "not of a folder" in file_hint(tmp_path, _of(tmp_path.read_bytes))
    assert "not a folder" in file_hint(file / "x", _of((file / "x").read_bytes))
    assert "free up space" in file_hint(Path("/dev/full"), _of(lambda: Path("/dev/full").write_bytes(b"x")))
