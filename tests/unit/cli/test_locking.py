"""A run that meets another console's lock, from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from haconsole.actions.step import Plan
from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.execution.events import Event
from haconsole.execution.locking.cluster_lock import LockedError, NoMajorityError, Takeover
from haconsole.model.lock import LockClaim
from haconsole.model.lock_view import LockView
from haconsole.model.names import HostName
from haconsole.session import Run
from haconsole.session.locks import Locks
from haconsole.transport.answers import Answers, NoAnswers
from haconsole.transport.terminal import TerminalAnswers
from tests.fakes.plans import PLAN, ended, running_events
from tests.fakes.session import FakeRun, FakeSession

STALE = LockView(LockClaim("ab" * 16, "ops@desk", 7, "r0", "join"), (HostName("cp1"), HostName("cp2")), 90, 40)
FRESH = LockView(STALE.claim, STALE.hosts, 90, 3)


@dataclass
class Locked(FakeSession):
    """A cluster that another console has locked; `taken_over` are the takeovers each attempt was allowed."""

    error: LockedError | NoMajorityError | None = None
    taken_over: list[frozenset[str]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    locks: Locks = field(default_factory=lambda: Locks(NoAnswers()))

    async def __aenter__(self) -> Locked:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def wait_for_lock(self, within_s: float) -> None:
        self.waited.append(within_s)
        await self.locks.take(self.attempt)

    async def attempt(self, over: Takeover) -> None:
        self.taken_over.append(over.runs)
        if self.error is not None and "r0" not in over.runs:
            raise self.error

    def start(self, plan: Plan, *, step_by_step: bool = False, override: str = "") -> Run:
        return LockedRun(plan, self)


class LockedRun(FakeRun):
    session: Locked

    async def events(self) -> AsyncIterator[Event]:
        await self.session.locks.take(self.session.attempt)
        async for event in super().events():
            yield event


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Locked:
    session = Locked(plans={"bootstrap": PLAN}, events=(*running_events(), *ended()))

    def opened(path: Path, answers: Answers) -> Locked:
        session.locks = Locks(answers)
        return session

    monkeypatch.setattr("haconsole.session.opening.open_session", opened)
    return session


def test_a_locked_cluster_is_a_refusal_that_names_the_holder(
    session: Locked, capsys: pytest.CaptureFixture[str]
) -> None:
    session.error = LockedError("lab", FRESH, can_take_over=False)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.LOCKED
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        "lab is locked: ops@desk (process 7) has been running join for 90 s (run r0); heartbeat 3 s ago (on cp1, cp2)"
    ) in err


@pytest.mark.parametrize(
    "error", [LockedError("lab", STALE, can_take_over=True), NoMajorityError("lab: 2 needed, 1 reached")]
)
def test_the_same_in_json_is_a_refusal(
    session: Locked, capsys: pytest.CaptureFixture[str], error: LockedError | NoMajorityError
) -> None:
    session.error = error
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--json"]) == error.exit_code
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["reasons"]) == ("haconsole/refusal/v1", [str(error)])


@pytest.mark.parametrize("option", ["--take-over-lock", "--adopt-lock"])
def test_a_stale_lock_is_taken_over_when_its_run_is_named(session: Locked, option: str) -> None:
    session.error = LockedError("lab", STALE, can_take_over=True)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.LOCKED
    assert run(["run", "bootstrap", "lab.yaml", "--yes", option, "other"]) == ExitCode.LOCKED
    assert run(["run", "bootstrap", "lab.yaml", "--yes", option, "r0"]) == ExitCode.OK
    assert session.taken_over == [frozenset(), frozenset(), frozenset(), frozenset({"r0"})]


@pytest.mark.parametrize("verb", ["run bootstrap", "resume", "undo"])
def test_help_lists_the_option_by_its_present_name_only(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*verb.split(), "--help"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "--take-over-lock RUN" in text
    assert "adopt" not in text


@pytest.mark.parametrize(("answer", "ended_with"), [("y", ExitCode.OK), ("n", ExitCode.LOCKED)])
def test_at_a_terminal_a_person_decides_whether_to_take_over_a_stale_lock(
    session: Locked, monkeypatch: pytest.MonkeyPatch, answer: str, ended_with: ExitCode
) -> None:
    questions: list[str] = []

    async def ask(self: TerminalAnswers, prompt: str, *, echo: bool) -> str:
        questions.append(prompt)
        return answer

    monkeypatch.setattr(TerminalAnswers, "_ask", ask)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    session.error = LockedError("lab", STALE, can_take_over=True)
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--wait", "1"]) == ended_with
    assert len(questions) == 1
    assert "Take over its lock? [y/N]" in questions[0]
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--json"]) == ExitCode.LOCKED
    session.error = LockedError("lab", FRESH, can_take_over=False)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.LOCKED
    assert len(questions) == 1


def test_waiting_comes_before_planning_so_that_no_plan_is_of_a_cluster_half_changed(session: Locked) -> None:
    session.error = LockedError("lab", FRESH, can_take_over=False)
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--wait", "2.5"]) == ExitCode.LOCKED
    assert session.waited == [2.5]
    assert session.requests == ()
    session.error = None
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--wait", "0"]) == ExitCode.OK
