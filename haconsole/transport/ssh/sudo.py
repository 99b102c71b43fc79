"""Becoming root: with which password, and what a refusal means."""

from __future__ import annotations

import asyncio

from haconsole.inventory.schema import Sudo
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.model.secret import Secret
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.questions import Questions
from haconsole.transport.ssh.wrapping import Become

TRIES = 3


class SudoPassword:
    """One host's password: asked for when first needed, kept in memory, asked for again when it turns out wrong."""

    def __init__(self, host: HostName, questions: Questions) -> None:
        self._host = host
        self._questions = questions
        self._known: Secret | None = None
        self._lock = asyncio.Lock()
        self._wrong = 0

    async def get(self, deadline: Deadline) -> Secret:
        """The password; raises TransportError when a person gave none, or three wrong ones."""
        async with deadline.paused(), self._lock:
            if self._known is None:
                self._known = await self._ask()
            return self._known

    def was_wrong(self, password: Secret) -> None:
        """Forget it, unless another caller has done so and asked anew."""
        if self._known is password:
            self._known = None
            self._wrong += 1

    def was_right(self) -> None:
        self._wrong = 0

    async def _ask(self) -> Secret:
        if self._wrong >= TRIES:
            raise refused(self._host, f"{TRIES} passwords in a row were wrong")
        password = await self._questions.sudo_password(self._host)
        if password is None:
            raise refused(self._host, "it needs a password and none was given")
        return password


def become_for(sudo: Sudo, user: str, *, root: bool) -> Become:
    """How to be root where that is asked for; a login that is root already needs nothing."""
    if not root or user == "root" or sudo is Sudo.NONE:
        return Become.NOT
    return Become.BY_PASSWORD if sudo is Sudo.PASSWORD else Become.FREELY


def is_wrong_password(said: str) -> bool:
    """sudo's words for it (sudo runs in the C locale), in the time before or after it gives up."""
    return "try again" in said or "incorrect password" in said


def refused(host: HostName, said: str) -> TransportError:
    """sudo let no command through; `said` is all of what it said."""
    what = f"sudo does not let the login become root: {said or 'it said nothing'}"
    return TransportError(host, Cause.SUDO_REFUSED, what, mend=_mend(said))


def _mend(said: str) -> str:
    if "password is required" in said:
        return "set ssh.sudo: password in the inventory, or allow the login NOPASSWD in sudoers"
    if "terminal" in said or "tty" in said:
        return "turn requiretty off for the login in sudoers"
    if "sudo" in said and "No such file" in said:
        return "install sudo there, or log in as root with ssh.sudo: none"
    if "password" in said:
        return "give the login's own password there"
    return "allow the login to run every command in sudoers"
