"""A host has left: the new file is shown, and written on request, by a run and by a resumed run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.step import Plan
from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.execution.events import Outcome, RunDone
from haconsole.execution.log.run_log import RunLog
from haconsole.execution.log.run_record import RunStatus
from tests.fakes.cluster import NOW
from tests.fakes.plans import PLAN, ended, recorded, running_events
from tests.fakes.session import FakeSession
from tests.unit.execution.local import FastClock

LEAVING = replace(PLAN, action="remove", departing_host="b")
TEXT = """\
cluster: lab
ssh: {user: ops}
hosts:
  - {name: a, address: 10.0.0.1, roles: [etcd]}
  - {name: b, address: 10.0.0.2, roles: [etcd]}
"""


@dataclass
class Here(FakeSession):
    """A cluster to run on and to carry a run on."""

    async def __aenter__(self) -> Here:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An inventory; sessions carry out and remember a plan that has `b` leave."""
    path = tmp_path / "lab.yaml"
    path.write_text(TEXT)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return path


def session(monkeypatch: pytest.MonkeyPatch, plan: Plan, outcome: Outcome = Outcome.DONE) -> None:
    record = replace(recorded(RunStatus.ENDED, Outcome.FAILED), plan=plan)
    result = Here(plans={"remove": plan}, records=(record,), events=(*running_events(), *ended(outcome)))
    monkeypatch.setattr("haconsole.session.opening.open_session", lambda path, answers: result)


async def resumable(file: Path, plan: Plan) -> str:
    """The name of a run of that plan that failed."""
    header = replace(recorded(RunStatus.ENDED, Outcome.FAILED).header, inventory=str(file))
    folder = file.parent / "haconsole" / "runs"
    run_log = RunLog(folder / f"{header.run}.jsonl", FastClock(), str)
    await run_log.log_run(header, plan)
    await run_log.log_end(RunDone(header.run, NOW, Outcome.FAILED, 1.0, 1, 0, 1))
    run_log.close()
    return str(header.run)


def words(file: Path, verb: str, plan: Plan) -> list[str]:
    import asyncio

    if verb == "resume":
        return ["resume", asyncio.run(resumable(file, plan)), "--yes"]
    return ["run", "remove", str(file), "b", "--yes"]


@pytest.mark.parametrize("verb", ["run", "resume"])
def test_the_change_is_shown(
    file: Path, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session(monkeypatch, LEAVING)
    assert run(words(file, verb, LEAVING)) == ExitCode.OK
    output = capsys.readouterr().err
    assert f"{file} should be updated; --update-inventory applies this:" in output
    assert "-  - {name: b," in output
    assert file.read_text() == TEXT


@pytest.mark.parametrize("verb", ["run", "resume"])
def test_the_file_is_changed_where_the_first_run_had_the_option(
    file: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(LEAVING, updates_inventory=True)
    session(monkeypatch, plan)
    assert run(words(file, verb, plan)) == ExitCode.OK
    assert "name: b" not in file.read_text()


def test_the_file_is_changed_where_the_resumed_run_has_the_option(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session(monkeypatch, LEAVING)
    assert run([*words(file, "resume", LEAVING), "--update-inventory"]) == ExitCode.OK
    assert "name: b" not in file.read_text()


@pytest.mark.parametrize("verb", ["run", "resume"])
def test_a_run_that_failed_changes_nothing(
    file: Path, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = replace(LEAVING, updates_inventory=True)
    session(monkeypatch, plan, Outcome.FAILED)
    assert run(words(file, verb, plan)) == ExitCode.FAILED
    assert "name: b" in file.read_text()
    assert "should follow" not in capsys.readouterr().err
