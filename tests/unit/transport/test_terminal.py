"""Questions on a real pseudo-terminal: what is shown, what is not echoed, and how the terminal is left."""

from __future__ import annotations

import asyncio
import os
import pty
import termios
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from haconsole.model.lock import LockClaim
from haconsole.model.lock_view import LockView
from haconsole.model.names import HostName
from haconsole.model.secret import Secret
from haconsole.transport.terminal import TerminalAnswers
from tests.fakes.waiting import eventually

CP1, CP2 = HostName("cp1"), HostName("cp2")
KEY = ("10.0.0.1", "ssh-ed25519", "SHA256:abc")


@dataclass
class Terminal:
    """The person's side of a pseudo-terminal."""

    master: int
    path: Path
    output: str = ""

    def read(self) -> str:
        with suppress(BlockingIOError):
            self.output += os.read(self.master, 4096).decode()
        return self.output

    async def type(self, prompt: str, answer: str) -> None:
        await eventually(lambda: prompt in self.read())
        self.output = ""
        os.write(self.master, answer.encode() + b"\n")

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    yield Terminal(master, Path(os.ttyname(slave)))
    os.close(master)
    os.close(slave)


async def test_a_passphrase_is_taken_without_echo(terminal: Terminal) -> None:
    answers = TerminalAnswers(terminal=terminal.path)
    asking = asyncio.create_task(answers.passphrase(Path("/k")))
    await eventually(lambda: "Passphrase of /k: " in terminal.read())
    assert not terminal.echoes()
    os.write(terminal.master, b"s3cret\n")
    assert await asking == Secret("s3cret")
    assert "s3cret" not in terminal.read()
    assert terminal.echoes()


async def test_a_withdrawn_question_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    asking = asyncio.create_task(TerminalAnswers(terminal=terminal.path).passphrase(Path("/k")))
    await eventually(lambda: "Passphrase" in terminal.read() and not terminal.echoes())
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert terminal.echoes()


@pytest.mark.parametrize(("typed", "accepted"), [("yes", True), ("y", False), ("", False)])
async def test_a_host_key_is_accepted_only_by_yes(terminal: Terminal, typed: str, accepted: bool) -> None:
    asking = asyncio.create_task(TerminalAnswers(terminal=terminal.path).accept_host_key(CP1, *KEY))
    await eventually(lambda: "SHA256:abc" in terminal.read())
    await terminal.type("stop: ", typed)
    assert await asking is accepted


async def test_one_sudo_password_serves_all_until_it_is_wrong(terminal: Terminal) -> None:
    answers = TerminalAnswers(terminal=terminal.path)
    first = asyncio.create_task(answers.sudo_password(CP1))
    second = asyncio.create_task(answers.sudo_password(CP2))
    await terminal.type("sudo password (for cp1 and the other hosts): ", "one")
    assert (await first, await second) == (Secret("one"), Secret("one"))
    third = asyncio.create_task(answers.sudo_password(CP2))
    await terminal.type("sudo password on cp2: ", "two")
    assert await third == Secret("two")


@pytest.mark.parametrize("message", ["SHA256:abc", "abc", " SHA256:abc= "])
async def test_a_fingerprint_of_the_command_line_needs_no_terminal(message: str) -> None:
    answers = TerminalAnswers((message,), terminal=Path("/nowhere"))
    assert await answers.accept_host_key(CP1, *KEY)
    assert not await answers.accept_host_key(CP1, "10.0.0.1", "ssh-ed25519", "SHA256:abd")


async def test_without_a_terminal_secrets_are_refused() -> None:
    answers = TerminalAnswers(terminal=Path("/nowhere"))
    assert (await answers.passphrase(Path("/k")), await answers.sudo_password(CP1)) == (None, None)


LOCK = LockView(LockClaim("ab" * 16, "ops@desk", 7, "r0", "join"), (CP1, CP2), 90, 40)


@pytest.mark.parametrize(("typed", "agreed"), [("y", True), ("YES", True), ("", False), ("no", False)])
async def test_a_stale_lock_is_shown_and_taken_over_by_a_yes(terminal: Terminal, typed: str, agreed: bool) -> None:
    answers = TerminalAnswers(terminal=terminal.path, asks_take_over=True)
    asking = asyncio.create_task(answers.take_over_lock(LOCK))
    await eventually(lambda: "ops@desk (process 7) has been running join" in terminal.read())
    await terminal.type("Take over its lock? [y/N] ", typed)
    assert await asking is agreed


async def test_a_stale_lock_named_on_the_command_line_needs_no_terminal() -> None:
    assert await TerminalAnswers(take_over=("r0",), terminal=Path("/nowhere")).take_over_lock(LOCK)
    assert not await TerminalAnswers(take_over=("r1",), terminal=Path("/nowhere")).take_over_lock(LOCK)
