"""Questions at a real terminal (a pty), and without one."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import sys
from collections.abc import Callable, Iterator

import pytest

from haconsole.cli.confirm import confirmed, confirmed_by_name
from haconsole.errors import UsageError


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A terminal as stdin; what is handed over is typed into it."""
    person, terminal = pty.openpty()
    with os.fdopen(terminal, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: (os.write(person, text.encode()), None)[1]
    os.close(person)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))


@pytest.mark.parametrize(("answer", "agreed"), [("y", True), ("YES", True), ("", False), ("n", False), ("yep", False)])
async def test_only_yes_agrees(typed: Callable[[str], None], answer: str, agreed: bool) -> None:
    typed(f"{answer}\n")
    assert await confirmed("Carry it out?") is agreed


async def test_the_question_goes_to_stderr(typed: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    typed("n\n")
    await confirmed("Carry it out?")
    assert capsys.readouterr() == ("", "Carry it out? [y/N] ")


@pytest.mark.usefixtures("nobody")
async def test_without_a_terminal_nobody_agrees() -> None:
    with pytest.raises(UsageError, match="pass --yes"):
        await confirmed("Carry it out?")


async def test_a_waiting_question_can_be_cancelled(typed: Callable[[str], None]) -> None:
    asking = asyncio.create_task(confirmed("Carry it out?"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    typed("y\n")
    assert await confirmed("Again?")


async def test_a_permanent_change_is_confirmed_by_name(typed: Callable[[str], None]) -> None:
    typed("lab\n")
    await confirmed_by_name("All is lost.", "lab")
    typed("y\n")
    with pytest.raises(UsageError, match=r"not started.*type lab at the prompt, or pass --confirm lab"):
        await confirmed_by_name("All is lost.", "lab")


@pytest.mark.usefixtures("nobody")
async def test_without_a_terminal_nobody_agrees_by_name() -> None:
    with pytest.raises(UsageError, match="pass --confirm lab"):
        await confirmed_by_name("All is lost.", "lab")
