"""Hosts that are folders here: real shells and files, a clock that never waits, connections that break on demand."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from haconsole.configs.layout import layout
from haconsole.execution.clock import Clock
from haconsole.execution.context import ExecutionContext
from haconsole.execution.host.host_state import HostStateReader
from haconsole.execution.verify.cluster import ClusterCheck
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.transport.base import Argv, Completed, Fleet, TransportError

ME = f"{pwd.getpwuid(os.getuid()).pw_name}:{pwd.getpwuid(os.getuid()).pw_name}"


class FastClock:
    """A clock whose sleeps pass at once; each advances it."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0.002)


@dataclass
class LocalHost:
    """This machine as a host. `lose` holds, for each coming command, whether its connection breaks, and when."""

    name: str
    commands: list[Argv] = field(default_factory=list)
    lose: list[str] = field(default_factory=list)
    unreachable: bool = False

    @property
    def host(self) -> HostName:
        return HostName(self.name)

    async def connect(self) -> Reach:
        return Reach(1.0)

    async def run(
        self,
        argv: Argv,
        *,
        stdin: bytes | None = None,
        root: bool = False,
        deadline_s: float = 10.0,
        urgent: bool = False,
    ) -> Completed:
        self.commands.append(argv)
        loss = self.lose.pop(0) if self.lose else ""
        if self.unreachable or loss == "before":
            raise TransportError(self.host, Cause.REFUSED, "connection refused")
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        talk = asyncio.create_task(process.communicate(stdin or b""))
        if loss.startswith("when "):
            await until_exists(Path(loss.removeprefix("when ")))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await talk
            raise TransportError(self.host, Cause.CONNECTION_LOST, "the connection was lost")
        try:
            async with asyncio.timeout(deadline_s):
                out, err = await asyncio.shield(talk)
        except (asyncio.CancelledError, TimeoutError):
            os.killpg(process.pid, signal.SIGKILL)
            await talk
            raise
        return Completed(argv, process.returncode, out.decode(errors="replace"), err.decode(), out)

    async def read_file(self, path: str, *, root: bool = True, deadline_s: float = 10.0) -> bytes | None:
        if self.unreachable:
            raise TransportError(self.host, Cause.REFUSED, "connection refused")
        file = Path(path)
        return file.read_bytes() if file.exists() else None

    async def write_file(
        self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root", deadline_s: float = 10.0
    ) -> None:
        if self.unreachable:
            raise TransportError(self.host, Cause.REFUSED, "connection refused")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
        Path(path).chmod(mode)

    def lines(
        self, argv: Argv, *, stdin: bytes | None = None, root: bool = False
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        raise NotImplementedError

    def forward(self, address: str, port: int) -> AbstractAsyncContextManager[Path]:
        raise NotImplementedError

    def refusal(self, socket: Path) -> str | None:
        return None

    async def close(self) -> None:
        return None


async def until_exists(path: Path) -> None:
    """Wait for a file that a process is about to make."""
    async with asyncio.timeout(5):
        while not path.exists():
            await asyncio.sleep(0.002)


class LocalFleet:
    def __init__(self, *names: str) -> None:
        self.hosts = {HostName(name): LocalHost(name) for name in names}

    def host(self, name: HostName) -> LocalHost:
        return self.hosts[name]

    async def close(self) -> None:
        return None


def local_context(inventory: Inventory, fleet: Fleet, clock: Clock, folder: Path) -> ExecutionContext:
    """A run's context whose hosts keep what runs detached in `folder`."""
    cluster = ClusterContext(inventory, layout(inventory), fleet, clock.now, b"", ProbeTimings())
    return ExecutionContext(cluster, HostStateReader(fleet), clock, str(folder))


class NoCluster:
    """Holds every check about the cluster to be fulfilled."""

    async def problems(self, check: ClusterCheck, host: HostName) -> tuple[str, ...]:
        return ()
