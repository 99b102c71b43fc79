"""One host of the inventory over SSH."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncssh

from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.scripts import load_script
from haconsole.transport.base import Argv, Completed, TransportError
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.link import Link
from haconsole.transport.ssh.runner import Runner
from haconsole.transport.ssh.sockets import Pair, SocketFolder, listening

EARLY_S = 10.0
"""Seconds for which a failed attempt from before the first query counts: later the host may be there again."""


class SshHost:
    """HostTransport over one connection; see there."""

    def __init__(self, link: Link, runner: Runner, sockets: SocketFolder, connect_s: float, start_s: float) -> None:
        self._link = link
        self._runner = runner
        self._sockets = sockets
        self._connect_s = connect_s
        self._start_s = start_s
        self._refusals: dict[Path, str] = {}
        self._early: asyncio.Task[Reach] | None = None
        self._early_valid_until = 0.0

    @property
    def host(self) -> HostName:
        return self._link.label

    def begin(self) -> None:
        """Connect already now; a `connect` soon after has this attempt's failure instead of an attempt of its own."""
        self._early = asyncio.create_task(self._connect())
        self._early.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._early_valid_until = asyncio.get_running_loop().time() + EARLY_S

    async def give_up_early_attempt(self) -> None:
        """End an attempt of `begin` that nobody waits for."""
        if self._early is not None:
            self._early.cancel()
            await asyncio.wait((self._early,))

    async def connect(self) -> Reach:
        early, self._early = self._early, None
        if early is not None and (not early.done() or asyncio.get_running_loop().time() < self._early_valid_until):
            await early
        return await self._connect()

    async def _connect(self) -> Reach:
        await self._link.connection(Deadline(self._connect_s))
        return Reach(self._link.connect_ms, self._runner.sessions_refused, self._link.connected_at)

    async def run(
        self,
        argv: Argv,
        *,
        stdin: bytes | None = None,
        root: bool = False,
        deadline_s: float = 10.0,
        urgent: bool = False,
    ) -> Completed:
        return await self._runner.run(argv, stdin or b"", Deadline(deadline_s), root=root, urgent=urgent)

    async def read_file(self, path: str, *, root: bool = True, deadline_s: float = 10.0) -> bytes | None:
        return content(self.host, path, await self.run(reading(path), root=root, deadline_s=deadline_s))

    async def write_file(
        self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root", deadline_s: float = 10.0
    ) -> None:
        argv = writing(self.host, path, len(data), mode, owner)
        require_written(self.host, path, await self.run(argv, stdin=data, root=True, deadline_s=deadline_s))

    def lines(
        self, argv: Argv, *, stdin: bytes | None = None, root: bool = False
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        return self._runner.lines(argv, stdin or b"", root=root)

    def forward(self, address: str, port: int) -> AbstractAsyncContextManager[Path]:
        async def connect(connection: asyncssh.SSHClientConnection) -> Pair:
            reader, writer = await connection.open_connection(address, port, encoding=None)
            return writer, reader

        return self._forward(connect)

    def forward_unix(self, path: str) -> AbstractAsyncContextManager[Path]:
        """A private Unix socket here that ends at the host's socket `path`, which the login itself may use."""

        async def connect(connection: asyncssh.SSHClientConnection) -> Pair:
            reader, writer = await connection.open_unix_connection(path, encoding=None)
            return writer, reader

        return self._forward(connect)

    def refusal(self, socket: Path) -> str | None:
        return self._refusals.get(socket)

    def forget_refusals(self) -> None:
        """Prompt again for a sudo password after three wrong ones."""
        self._runner.password.forget_refusals()

    async def close(self) -> None:
        await self._link.close()

    @asynccontextmanager
    async def _forward(self, connect: Callable[[asyncssh.SSHClientConnection], Awaitable[Pair]]) -> AsyncIterator[Path]:
        await self._link.connection(Deadline(self._connect_s))
        async with listening(self._sockets.next_path(), self._link, connect, self._start_s, self._refusals) as path:
            yield path


_WRITE = load_script("write-file")
_MISSING = ("No such file or directory", "Not a directory")


def reading(path: str) -> Argv:
    return ("cat", "--", path)


def writing(host: HostName, path: str, size: int, mode: int, owner: str) -> Argv:
    """Reads the content from stdin and installs it atomically; `path` must be absolute."""
    if not path.startswith("/") or path.endswith("/"):
        raise TransportError(host, Cause.OTHER, f"cannot write to {path!r}", hint="give the absolute path of a file")
    return ("sh", "-c", _WRITE, "write", path, f"{mode:04o}", owner, str(size))


def content(host: HostName, path: str, result: Completed) -> bytes | None:
    """The result of `reading`; None for an absent file. Raises TransportError for one that cannot be read."""
    if result.ok:
        return result.raw
    message = result.stderr.strip()
    if result.cut is None and message.endswith(_MISSING):
        return None
    raise _failure(host, f"could not read {path}", result)


def require_written(host: HostName, path: str, result: Completed) -> None:
    """Raises TransportError unless `writing` succeeded; after a cut the file has the old or the new content."""
    if not result.ok:
        raise _failure(host, f"could not write {path}", result)


def _failure(host: HostName, what: str, result: Completed) -> TransportError:
    if result.cut is Cause.CONNECTION_LOST:
        return TransportError(
            host, result.cut, f"{what}: the connection was lost meanwhile", hint="check the file before you retry"
        )
    if result.cut is not None:
        return TransportError(host, result.cut, f"{what}: it timed out and was stopped")
    message = result.stderr.strip() or f"status {result.exit_status}, nothing on stderr"
    return TransportError(host, Cause.UNREADABLE, f"{what}: {message}")
