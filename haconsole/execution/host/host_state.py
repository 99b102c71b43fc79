"""Queries about files and units, batched: while a host answers one command, the next queries wait together."""

from __future__ import annotations

import asyncio

from haconsole.execution.host.host_query import HostAnswers, HostQuery, query_host
from haconsole.model.names import HostName
from haconsole.transport.base import Fleet, TransportError


class HostStateReader:
    """Sends each host one command at a time; later callers share the next command.

    No answer is older than its query.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._waiting: dict[HostName, dict[HostQuery, asyncio.Future[str]]] = {}
        self._asking: dict[HostName, asyncio.Task[None]] = {}

    async def query(self, host: HostName, queries: tuple[HostQuery, ...]) -> HostAnswers:
        """The host's answers; raises TransportError when it cannot be queried."""
        waiting = self._waiting.setdefault(host, {})
        loop = asyncio.get_running_loop()
        futures = {query: waiting.setdefault(query, loop.create_future()) for query in queries}
        if host not in self._asking:
            self._asking[host] = asyncio.create_task(self._ask(host))
        return {query: await asyncio.shield(answer) for query, answer in futures.items()}

    async def close(self) -> None:
        """Cancel running queries."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, host: HostName) -> None:
        try:
            while waiting := self._waiting.pop(host, {}):
                await self._answer(host, waiting)
        finally:
            del self._asking[host]

    async def _answer(self, host: HostName, waiting: dict[HostQuery, asyncio.Future[str]]) -> None:
        try:
            answers = await query_host(self._fleet.host(host), tuple(waiting))
        except TransportError as error:
            for future in waiting.values():
                future.set_exception(error)
                future.exception()
            return
        except BaseException:
            for future in waiting.values():
                future.cancel()
            raise
        for query, future in waiting.items():
            future.set_result(answers[query])
