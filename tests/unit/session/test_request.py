"""Files in requests: absolute paths of this machine, and places on hosts left unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.actions.catalogue import find_action
from haconsole.session.planning import unusable_files, with_files


def test_a_file_here_is_named_wholly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    backup = find_action("backup")
    assert with_files(backup, {"output": "x.db"}) == {"output": f"{tmp_path}/x.db"}
    assert with_files(backup, {"output": "~/x.db"}) == {"output": "/home/me/x.db"}


def test_a_file_on_a_host_and_other_arguments_stay_as_they_are() -> None:
    request = {"file": "cp1:/var/lib/x.db", "gone": "cp2"}
    assert with_files(find_action("restore"), request) == request


def test_files_that_cannot_be_used_are_refused_before_a_host_is_read(tmp_path: Path) -> None:
    backup, restore, file = find_action("backup"), find_action("restore"), tmp_path / "x.db"
    file.touch()
    assert unusable_files(restore, {"file": str(file)}) == unusable_files(restore, {"file": "cp1:/x.db"}) == ()
    assert unusable_files(backup, {"output": str(file)}) == unusable_files(backup, {"output": f"{file}2"}) == ()
    for action, request, word in (
        (restore, {"file": str(tmp_path / "none.db")}, "correct the path"),
        (restore, {"file": str(tmp_path)}, "not of a folder"),
        (backup, {"output": str(tmp_path / "none" / "x.db")}, f"create the folder {tmp_path / 'none'}"),
        (backup, {"output": str(tmp_path)}, "not of a folder"),
    ):
        (reason,) = unusable_files(action, request)
        assert word in reason
