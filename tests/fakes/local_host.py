"""A host that is this machine, with programs of the test's own in front of the real ones."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import Argv, Completed, TransportError


class LocalHost:
    """Runs commands for real. `programs` are shell scripts by name; the attributes are its faults.

    `lost` raises at every use and ends what is followed; `hangs` answers nothing; `sudo` False refuses root.
    """

    def __init__(self, name: str, folder: Path, programs: Mapping[str, str]) -> None:
        self.host = HostName(name)
        self.folder = folder / name
        self.folder.mkdir()
        self.sudo = True
        self.hangs = False
        self.connects = 0
        self._error: TransportError | None = None
        self._running: set[asyncio.subprocess.Process] = set()
        for program, body in programs.items():
            path = self.folder / program
            path.write_text(f"#!/bin/sh\ncd {self.folder}\n{body}\n")
            path.chmod(0o755)

    def lose(self, cause: Cause = Cause.NO_ROUTE) -> None:
        self._error = TransportError(self.host, cause, "no way to it")
        for process in self._running:
            _end(process)

    def find(self) -> None:
        self._error = None

    async def connect(self) -> Reach:
        self.connects += 1
        await self._reached()
        return Reach(1.5)

    async def run(
        self,
        argv: Argv,
        *,
        stdin: bytes | None = None,
        root: bool = False,
        deadline_s: float = 10.0,
        urgent: bool = False,
    ) -> Completed:
        await self._reached(root=root)
        process = await self._start(argv)
        try:
            out, err = await process.communicate(stdin or b"")
        finally:
            _end(process)
            await process.wait()
        return Completed(argv, process.returncode, out.decode(), err.decode(), out)

    @asynccontextmanager
    async def lines(
        self, argv: Argv, *, stdin: bytes | None = None, root: bool = False
    ) -> AsyncIterator[AsyncIterator[str]]:
        await self._reached(root=root)
        process = await self._start(argv)
        self._running.add(process)
        assert process.stdin
        process.stdin.write(stdin or b"")
        process.stdin.close()
        try:
            yield self._each_line(process)
        finally:
            self._running.discard(process)
            _end(process)
            await process.wait()

    @asynccontextmanager
    async def forward(self, address: str, port: int) -> AsyncIterator[Path]:
        """A socket here that nothing listens on."""
        yield self.folder / f"forward-{address}-{port}"

    def refusal(self, socket: Path) -> str | None:
        return None

    async def read_file(self, path: str, *, root: bool = True, deadline_s: float = 10.0) -> bytes | None:
        return Path(path).read_bytes() if Path(path).exists() else None

    async def write_file(
        self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root", deadline_s: float = 10.0
    ) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        for process in self._running:
            _end(process)

    async def _each_line(self, process: asyncio.subprocess.Process) -> AsyncIterator[str]:
        assert process.stdout
        async for line in process.stdout:
            yield line.decode().rstrip("\n")
        if self._error:
            raise self._error

    async def _reached(self, *, root: bool = False) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self._error:
            raise self._error
        if root and not self.sudo:
            raise TransportError(self.host, Cause.SUDO_REFUSED, "sudo: a password is required")

    async def _start(self, argv: Argv) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        return await asyncio.create_subprocess_exec(
            *argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )


def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class LocalFleet:
    """Such hosts by name."""

    def __init__(self, *hosts: LocalHost) -> None:
        self._hosts = {host.host: host for host in hosts}

    def host(self, name: HostName) -> LocalHost:
        return self._hosts[name]

    async def close(self) -> None:
        for host in self._hosts.values():
            await host.close()
