"""One connection to one hop: opened at first use, shared, opened again after a loss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncssh

from haconsole.inventory.effective import Jump
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.causes import trouble_of
from haconsole.transport.ssh.client_config import ClientConfig, ClientConfigError
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.login import Login
from haconsole.transport.ssh.route import Destination, Route, behind_config, resolve
from haconsole.transport.ssh.tokens import TokenError

T = TypeVar("T")
NextHop = Callable[[tuple[Jump, ...], Destination], "Link"]
_GOODBYE_S = 2.0
_CONNECT_S = 10.0


class Link:
    """The connection to one hop. `next_hop` finds the link of the last of several jump hosts, for the host behind."""

    def __init__(self, destination: Destination, config: ClientConfig, login: Login, next_hop: NextHop) -> None:
        self._destination = destination
        self._config = config
        self._login = login
        self._next_hop = next_hop
        self._connection: asyncssh.SSHClientConnection | None = None
        self._opening = asyncio.Lock()
        self._attempts = 0
        self._failure: TransportError | None = None
        self._closed = asyncio.Event()
        self._openings: set[asyncio.Future[Any]] = set()
        self._work: set[asyncio.Future[Any]] = set()
        self.through: Link | None = None
        self.connect_ms = 0.0
        self.connected_at: datetime | None = None
        self.user = destination.user or ""
        """The login's name, certain once connected."""
        self.verified = True
        """False: the host key has changed, and ssh_config lets it pass."""

    @property
    def label(self) -> HostName:
        return self._destination.label

    async def connection(
        self, deadline: Deadline, *, behind: tuple[HostName, ...] = ()
    ) -> asyncssh.SSHClientConnection:
        """The live connection. Callers that wait together share one attempt and its failure, a TransportError.

        `behind` are the hosts that this one is a jump host for.
        """
        attempts = self._attempts
        try:
            async with deadline.limit():
                await self._opening.acquire()
        except TimeoutError:
            what = f"still connecting after {deadline.seconds:g} s"
            raise TransportError(
                self.label, Cause.TIMED_OUT, what, hint="sshd may be waiting for the answer to a prompt"
            ) from None
        try:
            return await self._ready(deadline, behind, attempts)
        finally:
            self._opening.release()

    async def open(
        self,
        deadline: Deadline,
        opening: Callable[[asyncssh.SSHClientConnection], Awaitable[T]],
        unwanted: Callable[[T], None],
    ) -> T:
        """Await `opening` of a channel; it is finished even when the caller gives up, and then given to `unwanted`.

        asyncssh would leave such a channel open. Raises TimeoutError at the deadline, TransportError when there is no
        connection, and what asyncssh raises.
        """
        connection = await self.connection(deadline)
        task = _referenced(self._openings, opening(connection))
        try:
            async with deadline.limit():
                return await asyncio.shield(task)
        except (asyncio.CancelledError, TimeoutError):
            task.add_done_callback(lambda finished: None if _failed(finished) else unwanted(finished.result()))
            raise

    def background(self, work: Coroutine[Any, Any, None]) -> bool:
        """Have something done that no caller waits for; `close` gives it a moment. False: it is closed already."""
        if self._closed.is_set():
            work.close()
            return False
        _referenced(self._work, work)
        return True

    async def close(self) -> None:
        """End the work in the background and disconnect, each in two seconds at most; later calls raise."""
        if self._work:
            await asyncio.wait(self._work, timeout=_GOODBYE_S)
        self._closed.set()
        connection, self._connection = self._connection, None
        if connection is not None:
            await _say_goodbye(connection)
        tasks = (*self._openings, *self._work)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ready(
        self, deadline: Deadline, behind: tuple[HostName, ...], attempts: int
    ) -> asyncssh.SSHClientConnection:
        if self._closed.is_set():
            raise self._closing()
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        if self._failure is not None and self._attempts > attempts:
            raise self._failure.with_traceback(None)
        self._connection, self._failure = None, None
        try:
            connection = await self._open(deadline, behind)
        except TransportError as error:
            if deadline.remaining_s:
                self._failure = error
            raise
        finally:
            self._attempts += 1
        if self._closed.is_set():
            await _say_goodbye(connection)
            raise self._closing()
        self._connection = connection
        return connection

    async def _open(self, deadline: Deadline, behind: tuple[HostName, ...]) -> asyncssh.SSHClientConnection:
        route: Route | None = None
        try:
            route = await self._route(deadline)
            tunnel = await self._tunnel(route, deadline, behind)
            before = asyncio.get_running_loop().time()
            entered = await self._login.enter(route, tunnel, deadline, route.connect_timeout_s or _CONNECT_S)
        except TransportError as error:
            if route is None:
                raise
            raise _with_note(error, route) from error.__cause__
        except (asyncssh.Error, OSError, ValueError) as error:
            raise self._as_transport_error(error, route) from error
        self.connect_ms = (asyncio.get_running_loop().time() - before) * 1000
        self.connected_at = datetime.now(UTC)
        self.user, self.verified = route.user, entered.verified
        return entered.connection

    async def _route(self, deadline: Deadline) -> Route:
        try:
            async with deadline.limit(self._destination.connect_timeout_s or _CONNECT_S):
                return await resolve(self._destination, self._config)
        except TimeoutError:
            what = "ssh did not finish reading its configuration in time"
            hint = f"run ssh -G {self._destination.address}: a Match exec or a canonical name may be slow"
            raise TransportError(self.label, Cause.TIMED_OUT, what, hint=hint) from None
        except ClientConfigError as error:
            what, hint = f"ssh refuses its configuration: {error}", "correct that line"
            raise TransportError(self.label, Cause.OTHER, what, hint=hint) from error
        except (asyncssh.ConfigParseError, TokenError, OSError, ValueError) as error:
            what, hint = f"the ssh configuration cannot be read: {error}", "correct that line"
            raise TransportError(self.label, Cause.OTHER, what, hint=hint) from error

    async def _tunnel(
        self, route: Route, deadline: Deadline, behind: tuple[HostName, ...]
    ) -> asyncssh.SSHClientConnection | None:
        """The connection to the last jump host, itself reached through the ones before it."""
        if not route.jumps:
            return None
        own = self._destination
        link = self._next_hop(route.jumps, behind_config(own) if route.jumps_by_config else own)
        chain = (*behind, self.label)
        if link.label in chain:
            circle = " > ".join((link.label, *reversed(chain)))
            what = f"jump hosts form a circle: {circle}"
            raise TransportError(self.label, Cause.JUMP_FAILED, what, hint="remove one jump host of the circle")
        self.through = link
        try:
            return await link.connection(deadline, behind=chain)
        except TransportError as error:
            what = f"could not reach {route.where} through {link.label}: {error.what}"
            raise TransportError(self.label, Cause.JUMP_FAILED, what, hint=error.hint) from error

    def _closing(self) -> TransportError:
        return TransportError(self.label, Cause.CONNECTION_LOST, "the connections are being closed")

    def _as_transport_error(self, error: Exception, route: Route | None) -> TransportError:
        trouble = trouble_of(error)
        what = f"could not connect to {route.where}: {trouble.message}" if route else trouble.message
        failure = TransportError(self.label, trouble.cause, what, hint=trouble.hint)
        return _with_note(failure, route) if route else failure


def _with_note(error: TransportError, route: Route) -> TransportError:
    """The same failure, with what of ssh_config was not used for this host."""
    notes = [error.hint] if error.hint else []
    if route.settings.not_used:
        notes.append(f"haconsole ignores these ssh_config options for this host: {', '.join(route.settings.not_used)}")
    if not route.by_client:
        notes.append("no ssh client is installed here, so some conditions of ssh_config are not understood")
    what = error.what.removeprefix(f"{error.host}: ")
    return TransportError(error.host, error.cause, what, hint="; ".join(notes))


def _referenced(tasks: set[asyncio.Future[Any]], work: Awaitable[T]) -> asyncio.Future[T]:
    task = asyncio.ensure_future(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


def _failed(task: asyncio.Future[Any]) -> bool:
    return task.cancelled() or task.exception() is not None


async def _say_goodbye(connection: asyncssh.SSHClientConnection) -> None:
    connection.close()
    try:
        async with asyncio.timeout(_GOODBYE_S):
            await connection.wait_closed()
    except TimeoutError:
        connection.abort()
