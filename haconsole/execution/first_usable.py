"""The first of several clients of etcd or of the API that works; the others are closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

from haconsole.errors import HaconsoleError
from haconsole.probes.errors import ProbeError
from haconsole.transport.base import TransportError

C = TypeVar("C")


@asynccontextmanager
async def first_usable(
    ways: Iterable[AbstractAsyncContextManager[C]],
    usable: Callable[[C], Awaitable[bool]],
    none_usable: HaconsoleError,
) -> AsyncIterator[C]:
    """The client of the first way that opens and is usable.

    Raises the last TransportError or ProbeError if there is none, and `none_usable` if none of them failed.
    """
    error: TransportError | ProbeError | None = None
    for way in ways:
        async with AsyncExitStack() as stack:
            try:
                client = await stack.enter_async_context(way)
                is_usable = await usable(client)
            except (TransportError, ProbeError) as failed:
                error = failed
                continue
            if is_usable:
                yield client
                return
    raise error or none_usable
