"""The interface to a host that all layers use; the real host is in `ssh`, a fake one in the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from haconsole.errors import HaconsoleError
from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.model.observed import Cause

Argv = tuple[str, ...]


class TransportError(HaconsoleError):
    """A host could not be queried. `cause` distinguishes a refusal, a time-out, a changed host key, and so on."""

    def __init__(self, host: HostName, cause: Cause, what: str, *, hint: str = "") -> None:
        super().__init__(f"{host}: {what}", hint=hint)
        self.host = host
        self.cause = cause


class Completed(msgspec.Struct, frozen=True):
    """A command that was started. `exit_status` is None when its result did not arrive: the effect is then unknown.

    `cut` is why it did not arrive: CONNECTION_LOST, or TIMED_OUT when it was stopped at its deadline. `stdout` and
    `stderr` are complete (up to the cut), decoded as UTF-8 with undecodable bytes replaced; `raw` is stdout's bytes. A
    command ended by a signal has 128 and the signal's number as its status, as in a shell.
    """

    argv: Argv
    exit_status: int | None
    stdout: str
    stderr: str
    raw: bytes = b""
    cut: Cause | None = None

    @property
    def ok(self) -> bool:
        return self.exit_status == 0


class HostTransport(Protocol):
    """One host over one multiplexed connection, opened at the first use and again after a loss.

    Every call raises TransportError when the host cannot be reached or the connection is lost before an answer. `run`
    differs: TransportError means the command had no effect (it was not started, or wrote more than is kept), Completed
    with exit_status None that it may have had one. `deadline_s` bounds the complete call, connecting included, except
    for the time a person takes to answer; the remote process is ended with it. Commands run with LC_ALL set to C.UTF-8,
    so that their output can be parsed.
    """

    @property
    def host(self) -> HostName: ...

    async def connect(self) -> Reach:
        """Connect; returns the time for connecting and authenticating."""
        ...

    async def run(
        self,
        argv: Argv,
        *,
        stdin: bytes | None = None,
        root: bool = False,
        deadline_s: float = 10.0,
        urgent: bool = False,
    ) -> Completed:
        """Run one command, as root (through sudo where the login is not root) if `root`.

        `urgent` commands, one at a time, do not wait for the others on this host.
        """
        ...

    async def read_file(self, path: str, *, root: bool = True, deadline_s: float = 10.0) -> bytes | None:
        """The bytes of a file, None when it does not exist."""
        ...

    async def write_file(
        self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root", deadline_s: float = 10.0
    ) -> None:
        """Put a file in place as root, atomically (temporary, fsync, chown, chmod, rename); makes its folder."""
        ...

    def lines(
        self, argv: Argv, *, stdin: bytes | None = None, root: bool = False
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """A long-running command's output, line by line as it comes; leaving the block ends the remote process.

        `stdin` is sent completely and then closed: ``("sh", "-s")`` runs a script that no process list or sudo log
        repeats.
        """
        ...

    def forward(self, address: str, port: int) -> AbstractAsyncContextManager[Path]:
        """A private Unix socket here that ends at `address:port` as seen from the host."""
        ...

    def refusal(self, socket: Path) -> str | None:
        """The reason why the last connection to that socket could not be forwarded; None if it was.

        A socket here accepts before that is known; its user only sees a connection that closes at once.
        """
        ...

    async def close(self) -> None: ...


class Fleet(Protocol):
    """The hosts of one inventory."""

    def host(self, name: HostName) -> HostTransport: ...

    async def close(self) -> None: ...
