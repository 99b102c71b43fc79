"""Runs blocking work in threads that never delay the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

T = TypeVar("T")


def _drop(result: object) -> None:
    """Nothing has to be done with a result nobody waits for."""


_MOST_IDLE = 4


Work: TypeAlias = tuple[str, Callable[[], None]]


class _Workers:
    """Daemon threads; some of them wait for more work, because starting one for each query costs more than most do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Work]] = []

    def start(self, work: Callable[[], None], name: str) -> None:
        """Run `work` in an idle thread, or in a new one; it has this name meanwhile."""
        with self._lock:
            queue = self._idle.pop() if self._idle else None
        if queue is None:
            queue = SimpleQueue()
            threading.Thread(target=self._run, args=(queue,), name=name, daemon=True).start()
        queue.put((name, work))

    def _run(self, queue: SimpleQueue[Work]) -> None:
        """Keep nothing of finished work: its results may be files and sockets."""
        this = threading.current_thread()
        while True:
            this.name, work = queue.get()
            work()
            del work
            this.name = "idle"
            with self._lock:
                if len(self._idle) >= _MOST_IDLE:
                    return
                self._idle.append(queue)


_WORKERS = _Workers()


async def in_thread(work: Callable[[], T], name: str, discard: Callable[[T], None] = _drop) -> T:
    """The result of `work`, run in a daemon thread.

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

    _WORKERS.start(run, name)
    return await ended
