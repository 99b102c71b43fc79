"""Facts of the cluster that any of several hosts can report: the first answer of all, or one host after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, NoReturn, TypeAlias, TypeVar

from haconsole.inventory.schema import Host
from haconsole.model.observed import NOT_ASKED, Known, Observed

T = TypeVar("T")
Ask: TypeAlias = Callable[[], Coroutine[Any, Any, Observed[T]]]

NEXT_AFTER_S = 0.4
"""The wait for an answer before the next host is queried too."""


async def first_known(queries: Iterable[tuple[float, Ask[T]]]) -> Observed[T]:
    """The first answer that is known, otherwise the first failure.

    Each query starts its delay after the one before, or as soon as those before have failed.
    """
    failures: list[Observed[T]] = []
    asking: set[asyncio.Task[Observed[T]]] = set()
    coming = list(queries)
    try:
        while coming or asking:
            if not asking:
                asking.add(asyncio.ensure_future(coming.pop(0)[1]()))
            patience = coming[0][0] if coming else None
            complete, asking = await asyncio.wait(asking, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in complete:
                observation = task.result()
                if isinstance(observation, Known):
                    return observation
                failures.append(observation)
            if not complete:
                asking.add(asyncio.ensure_future(coming.pop(0)[1]()))
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return failures[0] if failures else NOT_ASKED


async def take_turns(
    hosts: Iterable[Host],
    stay: Callable[[Host], Awaitable[Observed[T]]],
    put: Callable[[Observed[T]], None],
    pause_s: float,
) -> NoReturn:
    """Query through one host for as long as it answers, then through the next, without end.

    `stay` returns when its host answers no more: with the failure, or with NOT_ASKED if there was an answer before it.
    Only when no host gets an answer is the failure put.
    """
    turns, failures = list(hosts), 0
    while True:
        failure = await stay(turns[0])
        failures = 1 if failure is NOT_ASKED else failures + 1
        turns.append(turns.pop(0))
        if failures >= len(turns) and failure is not NOT_ASKED:
            put(failure)
        await asyncio.sleep(pause_s)
