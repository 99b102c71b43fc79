"""`run --step`: each step is confirmed at the terminal, with the real executor below."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from haconsole.actions.step import Plan
from haconsole.cli import stepping
from haconsole.cli.stepping import Stepper, require_terminal
from haconsole.errors import UsageError
from haconsole.execution.events import Outcome, RunDone
from tests.fakes.executing import ExecutingSession, has_worked, making


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[int]:
    """A person who gives these answers, each a moment after the question; how many were given."""
    rest: Iterator[str] = iter(answers)
    values: list[int] = []

    async def line(*, ends: str = "") -> str:
        await asyncio.sleep(0.05)
        values.append(1)
        return next(rest)

    monkeypatch.setattr(stepping, "line", line)
    return values


async def run(session: ExecutingSession) -> RunDone:
    plan = await session.plan("bootstrap", {})
    assert isinstance(plan, Plan)
    started = session.start(plan, step_by_step=True)
    stepper, result = Stepper(started), None
    async with asyncio.timeout(20):
        async for event in started.events():
            stepper.follow(event)
            result = event if isinstance(event, RunDone) else result
    assert result is not None
    return result


def session_of(tmp_path: Path) -> ExecutingSession:
    steps = (making(tmp_path, "a"), making(tmp_path, "b"), making(tmp_path, "c", needs=("a", "b")))
    return ExecutingSession(tmp_path, *steps)


async def test_each_step_begins_when_it_is_agreed_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    value = answering(monkeypatch, "n", "what", "", "n")
    result = await run(session_of(tmp_path))
    assert result.outcome is Outcome.DONE
    assert len(value) == 4
    requests = [line for line in capsys.readouterr().err.splitlines() if line.startswith("next: ")]
    assert [line.rpartition(" ")[2] for line in requests] == ["a", "b", "c"]


async def test_a_stop_leaves_the_next_steps_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "n", "s")
    result = await run(session_of(tmp_path))
    assert result.outcome is Outcome.SKIPPED
    assert has_worked(tmp_path, "a")
    assert not has_worked(tmp_path, "b")


def test_without_a_terminal_nobody_can_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    with pytest.raises(UsageError, match="stdin is not a terminal"):
        require_terminal()
