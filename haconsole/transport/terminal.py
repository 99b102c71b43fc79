"""Answers from the person at the terminal, and from the options of the command line."""

from __future__ import annotations

import asyncio
import os
import termios
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from haconsole.model.lock_view import LockView, lock_sentence
from haconsole.model.names import HostName
from haconsole.model.secret import Secret

_TERMINAL = Path("/dev/tty")
_LINE_BYTES = 1024


class TerminalAnswers:
    """Answers for command-line verbs: prompts on the terminal itself, so that pipes on stdin and stdout stay clean.

    `accepted` are fingerprints a person has confirmed (``--accept-host-key``), `take_over` the runs whose stale locks
    may be taken over (``--take-over-lock``); for others a prompt is shown with `asks_take_over`. Without a terminal
    every other answer is a refusal. Prompts are shown one after the other. One sudo password is used for all hosts; if
    it is wrong, the prompt names the host.
    """

    def __init__(
        self,
        accepted: Iterable[str] = (),
        *,
        take_over: Iterable[str] = (),
        asks_take_over: bool = False,
        terminal: Path = _TERMINAL,
    ) -> None:
        self._accepted = frozenset(_normal(fingerprint) for fingerprint in accepted)
        self._take_over = frozenset(take_over)
        self._asks_take_over = asks_take_over
        self._terminal = terminal
        self._turn = asyncio.Lock()
        self._password: Secret | None = None
        self._used: set[HostName] = set()

    async def passphrase(self, key_path: Path) -> Secret | None:
        return await self._ask_secret(f"Passphrase of {key_path}: ")

    async def sudo_password(self, host: HostName) -> Secret | None:
        async with self._turn:
            is_retry = host in self._used
            self._used.add(host)
            if self._password is not None and not is_retry:
                return self._password
            prompt = f"sudo password on {host}: " if is_retry else f"sudo password (for {host} and the other hosts): "
            password = await self._ask(prompt, echo=False)
            if password and not is_retry:
                self._password = Secret(password)
            return Secret(password) if password else None

    async def accept_host_key(self, host: HostName, address: str, algorithm: str, fingerprint: str) -> bool:
        if _normal(fingerprint) in self._accepted:
            return True
        question = (
            f"The host key of {host} ({address}) is not known.\n"
            f"{algorithm} {fingerprint}\n"
            "Type yes if that is the host's own, anything else to stop: "
        )
        async with self._turn:
            answer = await self._ask(question, echo=True)
        return (answer or "").strip() == "yes"

    async def take_over_lock(self, lock: LockView) -> bool:
        if lock.claim.run in self._take_over:
            return True
        if not self._asks_take_over:
            return False
        question = (
            f"{lock_sentence(lock)} (on {', '.join(lock.hosts)}).\n"
            "That console is gone or cut off. Make sure of it: two consoles that change a cluster can destroy it.\n"
            "Take over its lock? [y/N] "
        )
        async with self._turn:
            answer = await self._ask(question, echo=True)
        return (answer or "").strip().lower() in ("y", "yes")

    async def _ask_secret(self, prompt: str) -> Secret | None:
        async with self._turn:
            answer = await self._ask(prompt, echo=False)
        return Secret(answer) if answer else None

    async def _ask(self, prompt: str, *, echo: bool) -> str | None:
        """One line from the terminal without its end; None without a terminal, or at the end of input."""
        try:
            handle = os.open(self._terminal, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            with _echo(handle, on=echo):
                os.write(handle, prompt.encode())
                line = await _read_line(handle)
                if not echo:
                    os.write(handle, b"\n")
            return line
        finally:
            os.close(handle)


def _normal(fingerprint: str) -> str:
    """``SHA256:abc=`` and ``abc`` are the same."""
    return fingerprint.strip().removeprefix("SHA256:").rstrip("=")


@contextmanager
def _echo(handle: int, *, on: bool) -> Iterator[None]:
    """Echo what is typed or not, and put the terminal back as it was, whatever happens meanwhile."""
    before = termios.tcgetattr(handle)
    now = termios.tcgetattr(handle)
    now[3] = (now[3] | termios.ICANON | termios.ISIG) & ~termios.ECHO
    if on:
        now[3] |= termios.ECHO
    termios.tcsetattr(handle, termios.TCSAFLUSH, now)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(handle, termios.TCSAFLUSH, before)


async def _read_line(handle: int) -> str | None:
    """Wait for a line without holding a thread, so that the question can be withdrawn."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(handle, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(handle)
    data = os.read(handle, _LINE_BYTES)
    return data.decode(errors="surrogateescape").removesuffix("\n") if data else None
