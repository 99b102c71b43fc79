"""`runs` and `resume` on records without hosts: output, and refusals before any host is reached."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.cli.main import run as haconsole
from haconsole.errors import ExitCode
from haconsole.execution.events import Outcome, RunDone, RunId
from haconsole.execution.log.run_log import Operator, RunHeader, RunLog
from tests.fakes.cluster import NOW
from tests.fakes.plans import PLAN
from tests.unit.execution.local import FastClock

OPERATOR = Operator("ops", "laptop", 42)
FIRST, SECOND = PLAN.steps[:2]


async def _write(run_log: RunLog, header: RunHeader, cluster: str, ends: bool) -> None:
    await run_log.log_run(header, replace(PLAN, cluster=cluster))
    await run_log.log_intent(FIRST.id, 1)
    await run_log.log_result(FIRST.id, Outcome.DONE, "wrote it", None)
    await run_log.log_verification(FIRST.id, ())
    await run_log.log_intent(SECOND.id, 1, "boot")
    if ends:
        await run_log.log_result(SECOND.id, Outcome.FAILED, "line\x1b[2J of the host", "cp1: it ended with 1")
        next_step = f"fix the failure, then resume with: haconsole resume {header.run}"
        await run_log.log_end(RunDone(header.run, NOW, Outcome.FAILED, 2.0, 2, 0, 1, next_step, half_done=1))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "haconsole" / "runs"


def record(folder: Path, name: str, *, ends: bool = True, cluster: str = "lab") -> RunLog:
    """A run whose first step was done, whose second was begun and, if it `ends`, failed."""
    run_log = RunLog(folder / f"{name}.jsonl", FastClock(), str)
    header = RunHeader(RunId(name), datetime(2026, 3, 1, 3, tzinfo=UTC), OPERATOR, "/etc/lab.yaml", "ab" * 32, {})
    asyncio.run(_write(run_log, header, cluster, ends))
    return run_log


def test_every_run_is_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record(folder, "r1")).close()
    (record(folder, "r2", ends=False)).close()
    live = record(folder, "r3", ends=False)
    (folder / "r0.jsonl").write_text("nonsense")
    assert haconsole(["runs"]) == ExitCode.OK
    live.close()
    title, head, *rows = capsys.readouterr().out.splitlines()
    assert title == "runs: 1 interrupted"
    assert head.split()[:3] == ["BEGUN", "ACTION", "RESULT"]
    for row, words in zip(
        rows,
        (
            ("r3", "▸ running", "1/4", "ops@laptop", "lab"),
            ("r2", "▲ interrupted"),
            ("r1", "✖ failed"),
            ("r0", "✖ cannot be read"),
        ),
        strict=True,
    ):
        assert all(word in row for word in words), row


def test_runs_of_a_cluster_or_an_inventory(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record(folder, "r1")).close()
    (record(folder, "r2", cluster="prod")).close()
    for words, result in ((["--cluster", "prod"], ["r2"]), (["--inventory", "/etc/other.yaml"], [])):
        assert haconsole(["runs", "--json", *words]) == ExitCode.OK
        document = json.loads(capsys.readouterr().out)
        assert (document["schema"], [one["run"] for one in document["runs"]]) == ("haconsole/runs/v1", result)


def test_no_run_at_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert haconsole(["runs"]) == ExitCode.OK
    assert capsys.readouterr().out == f"no run is logged in {folder}\n"


def test_one_run_step_by_step_for_a_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record(folder, "r1")).close()
    with (folder / "r1.jsonl").open("a") as file:
        file.write('{"kind": "inte')
    assert haconsole(["runs", "r1"]) == ExitCode.OK
    output = capsys.readouterr().out
    for words in (
        "action     bootstrap of lab",
        "UTC by ops on laptop (process 42)",
        "torn       1 incomplete lines were skipped",
        "● done         cp1   Write etcd's environment",
        "│ wrote it",
        "✖ failed       cp1   Start etcd",
        "✖ cp1: Start etcd: cp1: it ended with 1",
        "│ line^[[2J of the host",
        "– not started  cp2   Start etcd",
        "fix the failure, then resume with: haconsole resume r1",
    ):
        assert words in output, output
    assert "\x1b" not in output


def test_one_run_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record(folder, "r1", ends=False)).close()
    assert haconsole(["runs", "r", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "haconsole/run-record/v1"
    run = document["run"]
    assert (run["standing"], run["outcome"]) == ("broken-off", None)
    assert run["next"] == "resume with: haconsole resume r1"
    assert run["steps"] == {
        "not_started": 2,
        "already": 0,
        "unknown": 1,
        "failed": 0,
        "performed": 0,
        "verified": 1,
    }
    assert [(step["state"], step["attempts"]) for step in document["steps"]] == [
        ("verified", 1),
        ("unknown", 1),
        ("not-started", 0),
        ("not-started", 0),
    ]


@pytest.mark.parametrize("verb", ["runs", "resume"])
def test_a_run_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    for name in ("r1", "r2"):
        (record(folder, name)).close()
    assert haconsole([verb, "r9"]) == ExitCode.USAGE
    assert haconsole([verb, "r"]) == ExitCode.USAGE
    message = capsys.readouterr().err
    assert f"there is no run 'r9' in {folder}; `haconsole runs` lists them" in message
    assert "the names of 2 runs begin with 'r'" in message
