"""A run that meets another console's lock, from the command line."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field

import pytest

from haconsole.actions.step import Plan
from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.execution.locking.cluster_lock import LockedError, NoMajorityError
from haconsole.model.lock import LockClaim
from haconsole.model.lock_view import LockView
from haconsole.model.names import HostName
from haconsole.session import Run
from tests.fakes.plans import PLAN, begun, ended
from tests.fakes.session import FakeSession

STALE = LockView(LockClaim("ab" * 16, "ops@desk", 7, "r0", "join"), (HostName("cp1"), HostName("cp2")), 90, 40)
FRESH = LockView(STALE.claim, STALE.hosts, 90, 3)


@dataclass
class Locked(FakeSession):
    """A cluster that another console has locked, unless its run is adopted."""

    error: LockedError | NoMajorityError | None = None
    adopted: list[frozenset[str]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    async def __aenter__(self) -> Locked:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def wait_for_lock(self, within_s: float, take_over: frozenset[str] = frozenset()) -> None:
        self.waited.append(within_s)
        if self.error is not None:
            raise self.error

    def start(self, plan: Plan, *, step_by_step: bool = False, take_over: frozenset[str] = frozenset()) -> Run:
        self.adopted.append(take_over)
        if self.error is not None and "r0" not in take_over:
            raise self.error
        return super().start(plan)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Locked:
    session = Locked(plans={"bootstrap": PLAN}, events=(*begun(), *ended()))
    monkeypatch.setattr("haconsole.session.live.open_session", lambda path, answers: session)
    return session


def test_a_locked_cluster_is_a_refusal_that_tells_who_has_it(
    session: Locked, capsys: pytest.CaptureFixture[str]
) -> None:
    session.error = LockedError("lab", FRESH, can_take_over=False)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.REFUSED
    out, err = capsys.readouterr()
    assert out == ""
    assert "lab is locked: ops@desk (process 7) has run join for 90 s, run r0; heartbeat 3 s ago (on cp1, cp2)" in err


@pytest.mark.parametrize(
    "error", [LockedError("lab", STALE, can_take_over=True), NoMajorityError("lab: 2 needed, 1 reached")]
)
def test_the_same_in_json_is_a_refusal(
    session: Locked, capsys: pytest.CaptureFixture[str], error: LockedError | NoMajorityError
) -> None:
    session.error = error
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--json"]) == ExitCode.REFUSED
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["reasons"]) == ("haconsole/refusal/v1", [str(error)])


def test_a_stale_lock_is_taken_over_when_its_run_is_named(session: Locked) -> None:
    session.error = LockedError("lab", STALE, can_take_over=True)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.REFUSED
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--adopt-lock", "r0"]) == ExitCode.OK
    assert session.adopted == [frozenset(), frozenset({"r0"})]


@pytest.mark.parametrize(("answer", "ended_with"), [(True, ExitCode.OK), (False, ExitCode.REFUSED)])
def test_at_a_terminal_a_person_is_asked_whether_to_take_a_stale_lock_over(
    session: Locked, monkeypatch: pytest.MonkeyPatch, answer: bool, ended_with: ExitCode
) -> None:
    questions: list[str] = []

    async def confirmed(question: str) -> bool:
        questions.append(question)
        return answer

    monkeypatch.setattr("haconsole.cli.locking.confirmed", confirmed)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    session.error = LockedError("lab", STALE, can_take_over=True)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ended_with
    assert len(questions) == 1
    session.error = LockedError("lab", FRESH, can_take_over=False)
    assert run(["run", "bootstrap", "lab.yaml", "--yes"]) == ExitCode.REFUSED
    assert len(questions) == 1


def test_waiting_comes_before_planning_so_that_no_plan_is_of_a_cluster_half_changed(session: Locked) -> None:
    session.error = LockedError("lab", FRESH, can_take_over=False)
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--wait", "2.5"]) == ExitCode.REFUSED
    assert session.waited == [2.5]
    assert session.asked == ()
    session.error = None
    assert run(["run", "bootstrap", "lab.yaml", "--yes", "--wait", "0"]) == ExitCode.OK
