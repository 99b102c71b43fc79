"""`commands`: what logged runs ran on hosts, as a table and as JSON; an earlier log shows its operations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from haconsole.cli.main import run as haconsole
from haconsole.errors import ExitCode
from tests.unit.cli.test_runs import folder, record

__all__ = ["folder"]
EARLIER = Path(__file__).parent.parent / "execution" / "runs_of_0_1"


def test_the_operations_of_a_run_are_listed_newest_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(folder, "20260301T030000Z-bootstrap-ab12").close()
    assert haconsole(["commands"]) == ExitCode.OK
    title, head, *rows = capsys.readouterr().out.splitlines()
    assert title == "commands: 2 commands that may change a host, 0 that only read"
    assert head.split() == ["TIME", "HOST", "FOR", "COMMAND", "RESULT", "TOOK", "TIMES"]
    assert ["bootstrap" in row for row in rows] == [True, True]
    assert any("write /etc/etcd/etcd.env" in row and "● ok" in row for row in rows)
    assert any("systemctl enable --now etcd" in row and "ended with 1" in row for row in rows)


def test_json_has_the_shell_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(folder, "20260301T030000Z-bootstrap-ab12").close()
    assert haconsole(["commands", "2026", "--json"]) == ExitCode.OK
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "haconsole/commands/v1"
    assert {each["shell"] for each in report["commands"]} >= {"sudo systemctl enable --now etcd"}


def test_runs_of_0_1_show_their_operations(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(EARLIER, folder, dirs_exist_ok=True)
    assert haconsole(["commands", "--json"]) == ExitCode.OK
    commands = json.loads(capsys.readouterr().out)["commands"]
    assert {each["run"].split("-", 1)[1].rsplit("-", 1)[0] for each in commands} == {
        path.stem.split("-", 1)[1].rsplit("-", 1)[0] for path in EARLIER.iterdir()
    }


def test_another_cluster_has_no_commands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(folder, "20260301T030000Z-bootstrap-ab12", cluster="other").close()
    assert haconsole(["commands", "--cluster", "lab"]) == ExitCode.OK
    assert "no command" in capsys.readouterr().out
