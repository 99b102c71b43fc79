"""Changes of hosts are refused where the inventory has `read_only: true`, before any host is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.cli.main import run as haconsole
from haconsole.errors import ExitCode
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.host import SshHost
from tests.unit.cli.test_runs import folder, record

TEXT = """\
cluster: lab
read_only: {value}
ssh: {{user: ops}}
hosts:
  - {{name: cp1, address: 127.0.0.9, roles: [etcd]}}
"""
CHANGES = {
    "run": ("run", "bootstrap", "INVENTORY", "--yes"),
    "run waiting": ("run", "defrag", "INVENTORY", "--yes", "--wait", "5"),
    "resume": ("resume", "r1", "--inventory", "INVENTORY", "--yes"),
    "undo": ("undo", "r1", "--inventory", "INVENTORY", "--yes"),
}

__all__ = ["folder"]


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that anything tries to reach; none of them answers."""
    tried: list[str] = []

    async def connect(self: SshHost) -> object:
        tried.append(self.host)
        raise TransportError(self.host, Cause.NO_ROUTE, "no route")

    monkeypatch.setattr(SshHost, "connect", connect)
    return tried


def called(words: tuple[str, ...], tmp_path: Path, folder: Path, *, read_only: bool) -> int:
    inventory = tmp_path / "lab.yaml"
    inventory.write_text(TEXT.format(value=str(read_only).lower()))
    record(folder, "r1").close()
    values = [str(inventory) if word == "INVENTORY" else word for word in words]
    return haconsole(values)


@pytest.mark.parametrize("words", CHANGES.values(), ids=CHANGES)
def test_it_is_refused_and_no_host_is_reached(
    words: tuple[str, ...], tmp_path: Path, folder: Path, reached: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(words, tmp_path, folder, read_only=True) == ExitCode.REFUSED
    message = capsys.readouterr().err
    assert "this session is read-only" in message
    assert "remove read_only from the inventory" in message
    assert reached == []


def test_a_plan_may_be_looked_at(
    tmp_path: Path, folder: Path, reached: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    called(("plan", "bootstrap", "INVENTORY"), tmp_path, folder, read_only=True)
    assert "read-only" not in capsys.readouterr().err
    assert reached
