"""Files in requests: absolute paths of this machine, and places on hosts left unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.actions.catalogue import find_action
from haconsole.session.planning import with_files


def test_a_file_here_is_named_wholly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    backup = find_action("backup")
    assert with_files(backup, {"output": "x.db"}) == {"output": f"{tmp_path}/x.db"}
    assert with_files(backup, {"output": "~/x.db"}) == {"output": "/home/me/x.db"}


def test_a_file_on_a_host_and_other_arguments_stay_as_they_are() -> None:
    request = {"file": "cp1:/var/lib/x.db", "gone": "cp2"}
    assert with_files(find_action("restore"), request) == request
