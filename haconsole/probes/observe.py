"""Turns one query into a fact (known or failed), once or repeatedly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from haconsole.inventory.schema import Host
from haconsole.model.observed import Observed
from haconsole.probes.context import ClusterContext
from haconsole.probes.host_pace import pause_after
from haconsole.transport.base import TransportError

T = TypeVar("T")


class Probe(Protocol):
    """Queries one host for one family of facts and puts them into the store.

    Failures become facts: neither method raises for them. Cancelling ends both at once.
    """

    async def once(self) -> None: ...

    async def follow(self) -> None:
        """Query at the probe's own pace, without end."""
        ...


async def observe(
    context: ClusterContext, host: Host, what: str, question: Awaitable[T], deadline_s: float
) -> Observed[T]:
    """The answer to a question as a fact. Every exception costs this fact and no other."""
    try:
        async with asyncio.timeout(deadline_s):
            return context.known(await question)
    except TimeoutError:
        return context.late(host, what, deadline_s)
    except Exception as error:
        return context.failed(host, what, error)


async def repeat(ask: Callable[[], Awaitable[None]], every_s: float) -> None:
    """Query without end, with a pause after each answer, a longer one after an answer that took long."""
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        await ask()
        await asyncio.sleep(pause_after(loop.time() - began, every_s))


async def all_ended(*tasks: asyncio.Task[Any]) -> None:
    """Wait until all tasks have succeeded; the first error cancels the others and is raised.

    Python before 3.13 counts a failed asyncio.TaskGroup as a cancellation of its caller. A caller that continues
    would then end with CancelledError at its deadline, and its fact would stay pending.
    """
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def first_transport_error(group: BaseExceptionGroup[TransportError]) -> TransportError:
    error = group.exceptions[0]
    return first_transport_error(error) if isinstance(error, BaseExceptionGroup) else error
