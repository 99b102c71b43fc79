"""A private Unix socket that ends at a TCP port: what an SSH forward does, without SSH."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def forward(folder: Path, port: int) -> AsyncIterator[Path]:
    """The socket's path, while the block lasts."""
    path = folder / f"{port}.sock"
    connections: set[asyncio.Task[None]] = set()

    def connected(near: asyncio.StreamReader, near_end: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(_join(near, near_end, port)))

    server = await asyncio.start_unix_server(connected, path)
    try:
        yield path
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        path.unlink(missing_ok=True)


async def _join(near: asyncio.StreamReader, near_end: asyncio.StreamWriter, port: int) -> None:
    try:
        far, far_end = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        near_end.close()
        return
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_copy(near, far_end))
            both.create_task(_copy(far, near_end))
    finally:
        far_end.close()
        near_end.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()
    except ConnectionError:
        sink.close()
