"""One host of the inventory over SSH."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncssh

from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.transport.base import Argv, Completed
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.files import content, reading, require_written, writing
from haconsole.transport.ssh.link import Link
from haconsole.transport.ssh.runner import Runner
from haconsole.transport.ssh.sockets import Pair, SocketFolder, listening


class SshHost:
    """HostTransport over one connection; see there."""

    def __init__(self, link: Link, runner: Runner, sockets: SocketFolder, connect_s: float, start_s: float) -> None:
        self._link = link
        self._runner = runner
        self._sockets = sockets
        self._connect_s = connect_s
        self._start_s = start_s
        self._refusals: dict[Path, str] = {}

    @property
    def host(self) -> HostName:
        return self._link.label

    async def connect(self) -> Reach:
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
