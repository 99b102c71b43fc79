"""The inventory's file after a host has left."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from haconsole.errors import HaconsoleError
from haconsole.inventory.follow import without

TEXT = """\
cluster: lab
ssh: {user: ops}
hosts:
  - {name: a, address: 10.0.0.1, roles: [etcd]}  # the first
  - {name: b, address: 10.0.0.2, roles: [etcd]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lab.yaml"
    path.write_text(TEXT)
    path.chmod(0o640)
    return path


def test_the_file_loses_the_host_and_keeps_its_mode(file: Path) -> None:
    change = without(file, "b")
    assert change is not None
    assert change.diff.splitlines()[-1].startswith("-  - {name: b,")
    change.apply()
    assert file.read_text() == "".join(TEXT.splitlines(keepends=True)[:-1])
    assert file.stat().st_mode & 0o777 == 0o640
    assert without(file, "b") is None


def test_what_a_person_wrote_meanwhile_is_not_lost(file: Path) -> None:
    change = without(file, "b")
    assert change is not None
    file.write_text(TEXT + "# more\n")
    with pytest.raises(HaconsoleError, match=r"was changed meanwhile.*b has left the cluster: remove this host"):
        change.apply()
    assert file.read_text() == TEXT + "# more\n"


def test_a_file_that_cannot_be_written_stays_and_nothing_is_left_beside_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    change = without(file, "b")
    assert change is not None
    before = file.read_text()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HaconsoleError, match=r"cannot write .*: No space left on device"):
        change.apply()
    assert file.read_text() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_host_that_others_refer_to_is_not_taken_out(file: Path) -> None:
    file.write_text(TEXT.replace("{user: ops}", "{user: ops, jump: b}"))
    change = without(file, "b")
    assert change is not None
    assert change.diff == ""
    assert "b has left" in change.by_hand
