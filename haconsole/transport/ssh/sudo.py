"""Becomes root by sudo: which password to use, and what a refusal means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from haconsole.inventory.schema import Sudo
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.model.secret import Secret
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.questions import Questions
from haconsole.transport.ssh.wrapping import Become

_TRIES = 3


class SudoPassword:
    """One host's password: prompted for when first needed, tried once, kept in memory.

    `fits` tries one on the host. No other command uses a password before it was found right, so that many commands at
    once do not lock the login out.
    """

    def __init__(
        self, host: HostName, questions: Questions, fits: Callable[[Secret, Deadline], Awaitable[bool]]
    ) -> None:
        self._host = host
        self._questions = questions
        self._fits = fits
        self._known: Secret | None = None
        self._wrong = 0
        self._lock = asyncio.Lock()

    async def get(self, deadline: Deadline) -> Secret:
        """The password; raises TransportError when a person gave none, or three wrong ones in a row."""
        try:
            async with deadline.limit():
                await self._lock.acquire()
        except TimeoutError:
            what = f"the sudo password was not given within {deadline.seconds:g} s"
            raise TransportError(self._host, Cause.TIMED_OUT, what, hint="answer the password prompt") from None
        try:
            while self._known is None:
                await self._ask(deadline)
            return self._known
        finally:
            self._lock.release()

    def was_wrong(self, password: Secret) -> None:
        """Forget a password that was right before."""
        if self._known is password:
            self._known = None

    def forget_refusals(self) -> None:
        """Prompt again after three wrong ones."""
        self._wrong = 0

    async def _ask(self, deadline: Deadline) -> None:
        if self._wrong >= _TRIES:
            raise refused(self._host, f"{_TRIES} passwords in a row were wrong")
        async with deadline.paused():
            password = await self._questions.sudo_password(self._host)
        if password is None:
            raise refused(self._host, "sudo needs a password and none was given")
        if await self._fits(password, deadline):
            self._known, self._wrong = password, 0
        else:
            self._wrong += 1


def become_for(sudo: Sudo, user: str, *, root: bool) -> Become:
    """The way to root if root is requested; a login that is root already needs nothing."""
    if not root or user == "root" or sudo is Sudo.NONE:
        return Become.NOT
    return Become.BY_PASSWORD if sudo is Sudo.PASSWORD else Become.FREELY


def is_wrong_password(message: str) -> bool:
    """sudo's words for it (sudo runs in the C locale), in the time before or after it gives up."""
    return "try again" in message or "incorrect password" in message


def refused(host: HostName, message: str, hint: str | None = None) -> TransportError:
    """sudo let no command through; `message` is everything that it printed."""
    what = f"sudo does not let the login become root: {message or 'no output'}"
    return TransportError(host, Cause.SUDO_REFUSED, what, hint=hint or _hint(message))


def _hint(message: str) -> str:
    if "password is required" in message:
        return "set ssh.sudo: password in the inventory, or allow the login NOPASSWD in sudoers"
    if "terminal" in message or "tty" in message:
        return "in sudoers, turn requiretty off for the login"
    if "sudo" in message and "not found" in message:
        return "install sudo on the host, or log in as root with ssh.sudo: none"
    if "password" in message:
        return "enter the password that the login has on the host"
    return "in sudoers, allow the login to run every command"
