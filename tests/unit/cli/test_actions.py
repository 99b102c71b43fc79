"""`plan` and `run` from the command line, over a session without hosts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.execution.events import Event, Outcome, RunDone, RunId, RunStarted, StepDone, StepStarted
from haconsole.model.names import HostName, StepId
from tests.fakes.session import FakeRun, FakeSession

AT = datetime(2026, 1, 1, tzinfo=UTC)
RUN, STEP, CP1 = RunId("r1"), StepId("s"), HostName("cp1")
PLAN = Plan("bootstrap", "lab", (Step(STEP, "Start etcd", "It serves then.", CP1, RunCommand(("true",))),))
REFUSAL = Refusal("bootstrap", "lab", ("cp1: data of another cluster is there",))
DONE = RunDone(RUN, AT, Outcome.DONE, 2.0, 1, 0, 0)


def events(outcome: Outcome = Outcome.DONE) -> tuple[Event, ...]:
    return (
        RunStarted(RUN, AT, "bootstrap", "lab", 1),
        StepStarted(RUN, AT, STEP, CP1, "Start etcd"),
        StepDone(RUN, AT, STEP, CP1, outcome, 1.5, "cp1: no" if outcome is Outcome.FAILED else None),
        replace(DONE, outcome=outcome, next_step=None if outcome is Outcome.DONE else "fix it"),
    )


@dataclass
class Desk:
    """The session that verbs open, and the calls that they make."""

    session: FakeSession
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    accepted: list[bool] = field(default_factory=list)


class Session(FakeSession):
    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    session = Session(plans={"bootstrap": PLAN}, events=events())
    desk = Desk(session)
    planned = session.plan

    async def plan(action: str, request: dict[str, str]) -> Plan | Refusal:
        desk.requests.append((action, request))
        return await planned(action, request)

    monkeypatch.setattr(session, "plan", plan)
    monkeypatch.setattr("haconsole.session.opening.open_session", lambda path, answers: session)
    return desk


def test_a_plan_is_shown(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "bootstrap", "lab.yaml", "--only", "etcd"]) == ExitCode.OK
    assert desk.requests == [("bootstrap", {"only": "etcd"})]
    assert "bootstrap of lab: 1 step on cp1" in capsys.readouterr().out
    assert desk.session.closed


def test_a_plan_in_json(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "bootstrap", "lab.yaml", "--json"]) == ExitCode.OK
    out, err = capsys.readouterr()
    assert json.loads(out)["schema"] == "haconsole/plan/v1"
    assert err == ""


@pytest.mark.parametrize("verb", [["plan"], ["run", "--yes"]])
def test_a_refusal_ends_with_4_and_its_reasons(desk: Desk, capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    desk.session.plans = {"bootstrap": REFUSAL}
    assert run([verb[0], "bootstrap", "lab.yaml", *verb[1:]]) == ExitCode.REFUSED
    out, err = capsys.readouterr()
    assert (out, err) == ("", "bootstrap of lab is refused:\n  - cp1: data of another cluster is there\n")
    assert run([verb[0], "bootstrap", "lab.yaml", *verb[1:], "--json"]) == ExitCode.REFUSED
    assert json.loads(capsys.readouterr().out)["schema"] == "haconsole/refusal/v1"


def test_a_run_prints_its_progress_on_stderr_and_its_end_on_stdout(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.OK
    out, err = capsys.readouterr()
    assert out == "bootstrap of lab: ● done after 2 s: 1 changed, 0 already right, 0 failed (run r1)\n"
    assert "[1/1] ● done         cp1  Start etcd  1.5s" in err


def test_a_run_in_json_is_an_event_a_line(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--json"]) == ExitCode.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in lines] == ["run-started", "step-started", "step-done", "run-done"]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNKNOWN])
def test_a_failed_run_exits_with_6(desk: Desk, capsys: pytest.CaptureFixture[str], outcome: Outcome) -> None:
    desk.session.events = events(outcome)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.FAILED
    assert capsys.readouterr().out.endswith("next: fix it\n")


def test_without_yes_and_without_a_person_nothing_runs(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "bootstrap", "lab.yaml"]) == ExitCode.USAGE
    assert "pass --yes" in capsys.readouterr().err


@pytest.mark.parametrize(("signals", "stops"), [(1, ("after these",)), (2, ("after these", "at once"))])
def test_ctrl_c_stops_the_run_and_not_the_process(
    desk: Desk,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    signals: int,
    stops: tuple[str, ...],
) -> None:
    async def interrupted(run: FakeRun) -> AsyncIterator[Event]:
        yield events()[0]
        for count in range(signals):
            os.kill(os.getpid(), signal.SIGINT)
            while len(desk.session.stops) <= count:
                await asyncio.sleep(0)
        yield replace(DONE, outcome=Outcome.SKIPPED, next_step="run bootstrap again")

    monkeypatch.setattr(FakeRun, "events", interrupted)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.INTERRUPTED
    assert desk.session.stops == stops
    out, err = capsys.readouterr()
    assert out.endswith("next: run bootstrap again\n")
    assert "stopping: running steps finish" in err


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "unheard", "lab.yaml"],
        ["plan", "bootstrap"],
        ["plan", "bootstrap", "lab.yaml", "--only", "nothing"],
        ["run", "bootstrap", "lab.yaml", "--unheard"],
    ],
)
def test_words_that_are_off_end_with_64(desk: Desk, words: list[str]) -> None:
    assert run(words) == ExitCode.USAGE
    assert desk.requests == []


def test_an_inventory_that_is_not_right_ends_with_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text("cluster: lab\n")
    assert run(["plan", "bootstrap", str(path)]) == ExitCode.INVALID_INVENTORY
    assert f"{path}:1:1" in capsys.readouterr().err
