"""Blocking work beside the event loop, in threads that never hold up the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def _drop(result: object) -> None:
    """Nothing has to be done with a result nobody waits for."""


async def in_thread(work: Callable[[], T], name: str, discard: Callable[[T], None] = _drop) -> T:
    """The result of `work`, run in a separate daemon thread.

    When the wait is cancelled the thread continues until `work` ends, so `work` needs its own deadline; a result that
    nobody waits for any more goes to `discard`.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()

    def fail(error: Exception) -> None:
        if not ended.done():
            ended.set_exception(error)

    def succeed(result: T) -> None:
        if ended.done():
            discard(result)
        else:
            ended.set_result(result)

    def run() -> None:
        with contextlib.suppress(RuntimeError):
            try:
                result = work()
            except Exception as error:
                loop.call_soon_threadsafe(fail, error)
            else:
                loop.call_soon_threadsafe(succeed, result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await ended
