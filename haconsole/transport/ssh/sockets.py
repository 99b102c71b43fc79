"""Private Unix sockets here that lead to addresses and sockets on the hosts."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh

from haconsole.transport.base import TransportError
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.link import Link

_PREFIX = "haconsole-"
_LOCK = "lock"
_STEPS_OF_ACCEPTING = 4
"""Turns of asyncio's loop between accept(2) and the call of the server's own function, with two to spare."""

_PIECE = 64 << 10
Pair = tuple[asyncssh.SSHWriter[bytes], asyncssh.SSHReader[bytes]]


class SocketFolder:
    """A folder (0700) for the sockets of one process, made when first needed and locked while it is in use.

    Folders that a crash left behind are found by their lock being free, and removed.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock: int | None = None
        self._count = 0

    def next_path(self) -> Path:
        """A path for a socket, short enough for the 107 bytes a socket's path may have."""
        if self._path is None:
            _sweep(Path(tempfile.gettempdir()))
            self._path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._lock = os.open(self._path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._count += 1
        return self._path / str(self._count)

    def close(self) -> None:
        """Remove the folder and whatever is in it."""
        if self._path is not None and self._lock is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            os.close(self._lock)
        self._path = self._lock = None


def _sweep(folder: Path) -> None:
    for lock in folder.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):
            if lock.parent.stat().st_uid == os.getuid() and not lock.parent.is_symlink():
                _remove_if_free(lock)


def _remove_if_free(lock: Path) -> None:
    handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.parent, ignore_errors=True)
    finally:
        os.close(handle)


@asynccontextmanager
async def listening(
    path: Path,
    link: Link,
    connect: Callable[[asyncssh.SSHClientConnection], Awaitable[Pair]],
    start_s: float,
    refusals: dict[Path, str],
) -> AsyncIterator[Path]:
    """A socket at `path`; `connect` forwards each connection to it, over a new connection after a loss.

    While the last one could not be forwarded, `refusals` has the reason under its path.
    """
    passing: set[asyncio.Task[None]] = set()

    async def reach(connection: asyncssh.SSHClientConnection) -> Pair:
        refusals.pop(path, None)
        try:
            return await connect(connection)
        except asyncssh.ChannelOpenError as error:
            refusals[path] = error.reason
            raise

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_pass_on(reader, writer, link, reach, start_s), name=f"forward by {link.label}")
        passing.add(task)
        task.add_done_callback(passing.discard)
        # A task that is cancelled before its first step runs none of its own code.
        task.add_done_callback(lambda _: writer.close())

    server = await asyncio.start_unix_server(accept, path, limit=_PIECE)
    try:
        yield path
    finally:
        try:
            await _stop_accepting(server)
        finally:  # also where this task is cancelled again meanwhile
            refusals.pop(path, None)
            _remove(path)
            for task in tuple(passing):
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)


async def _stop_accepting(server: asyncio.Server) -> None:
    """Close the server once each connection that it accepted is complete; closing earlier would lose its socket."""
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener.fileno())
    try:
        for _ in range(_STEPS_OF_ACCEPTING):
            await asyncio.sleep(0)
    finally:
        server.close()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    link: Link,
    connect: Callable[[asyncssh.SSHClientConnection], Awaitable[Pair]],
    start_s: float,
) -> None:
    """Carry one connection until both sides are done; where the far side cannot be reached it is closed at once."""
    try:
        far_writer, far_reader = await link.open(Deadline(start_s), connect, lambda pair: pair[0].close())
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, far_writer))
                both.create_task(_pump(far_reader, writer))
        finally:
            far_writer.close()
    except* (TransportError, asyncssh.Error, OSError, TimeoutError):
        pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _pump(source: Any, target: Any) -> None:
    while piece := await source.read(_PIECE):
        target.write(piece)
        await target.drain()
    target.write_eof()
