"""etcd's JSON gateway (etcd.io: gRPC gateway): queries over HTTP/1.1, for which no gRPC library is loaded.

The caller uses gRPC for a query without an answer:

1. The gateway is off (``--enable-grpc-gateway=false``) or lacks this query, or etcd needs the name in the client
   certificate, which the gateway does not pass on (etcd.io: Role-based access control). This lasts.
2. The gateway fails, or the connection is closed after the handshake. gRPC may give the reason, such as a refused
   client certificate. After an answer of the gateway the query fails instead, and the next one tries the gateway again.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from haconsole.model.names import HostName
from haconsole.transport.etcd_channel import EtcdCredentials, Target
from haconsole.transport.etcd_connection import TargetConnection, tls_context
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind, in_words, kind_of
from haconsole.transport.threads import in_thread

T = TypeVar("T")

_LONGEST = 64 << 20
"""Bytes of an answer, as over gRPC."""
_CODES = {
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    7: "PERMISSION_DENIED",
    12: "UNIMPLEMENTED",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
    16: "UNAUTHENTICATED",
}
"""gRPC's status codes (grpc.io: Status codes and their use in gRPC) that etcd sends."""
_PASSING = ("DEADLINE_EXCEEDED", "UNAVAILABLE")
"""Failures of the gateway itself, which is a client of its own member."""
_CLOSED = (ConnectionError, http.client.RemoteDisconnected, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class _NoGatewayError(Exception):
    """The gateway does not have this query, now or later."""


class _InterruptedError(Exception):
    """The gateway failed, or the connection was closed before its answer."""


class EtcdGateway:
    """Queries the etcd on `host` behind `target`, one at a time over one connection, which is opened when needed."""

    def __init__(
        self, host: HostName, target: Target, credentials: EtcdCredentials | None, server_name: str | None
    ) -> None:
        self._host, self._target, self._credentials, self._server_name = host, target, credentials, server_name
        self._connection: TargetConnection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._missing: set[str] = set()
        """Paths that the gateway does not have."""
        self._has_answered = False
        """Whether the last query got an answer."""
        self._is_closed = False

    async def query(
        self,
        tried: str,
        path: str,
        request: Mapping[str, object],
        deadline_s: float,
        read: Callable[[Mapping[str, Any]], T],
        *,
        leader_needed: bool = False,
    ) -> T | None:
        """The answer to one POST as `read` takes it, or None: then this member is to be queried over gRPC.

        Raises EtcdError; `tried` is the query's description for it. `deadline_s` is the longest wait for each part of
        the answer. With `leader_needed` etcd refuses at once while it knows no leader.
        """
        headers = {"Content-Type": "application/json", **({"Grpc-Metadata-hasleader": "true"} if leader_needed else {})}
        body = json.dumps(request)
        async with self._one_at_a_time:
            if self._is_closed:
                raise EtcdError(self._host, EtcdErrorKind.UNAVAILABLE, tried, "this client is closed")
            if path in self._missing:
                return None
            connection = self._connection = self._connection or self._new_connection(tried)
            post = partial(self._post, connection, tried, path, body, headers, deadline_s)
            try:
                result = self._judged(tried, *await in_thread(post, "etcd-query"), read)
            except asyncio.CancelledError:
                self._drop(connection)
                raise
            except _NoGatewayError:
                self._missing.add(path)
                return None
            except _InterruptedError as error:
                had_answered, self._has_answered = self._has_answered, False
                if not had_answered:
                    return None
                raise EtcdError(self._host, EtcdErrorKind.UNAVAILABLE, tried, str(error)) from None
            self._has_answered = True
            return result

    def close(self) -> None:
        """End the connection; a query under way fails."""
        self._is_closed = True
        if self._connection is not None:
            self._drop(self._connection)

    def _new_connection(self, tried: str) -> TargetConnection:
        tls = tls_context(self._host, tried, self._credentials) if self._credentials else None
        return TargetConnection(self._target, self._server_name or "localhost", tls)

    def _drop(self, connection: TargetConnection) -> None:
        """End this connection, which a thread may still use; the next query opens another one."""
        connection.shut()
        if self._connection is connection:
            self._connection = None

    def _judged(self, tried: str, status: int, body: bytes, read: Callable[[Mapping[str, Any]], T]) -> T:
        try:
            answer = json.loads(body)
            if status == http.HTTPStatus.OK:
                return read(answer)
            details, code = str(answer.get("message") or answer["error"]), _CODES.get(answer["code"], "UNKNOWN")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _NoGatewayError from None
        kind = kind_of(code, details)
        if details.startswith("etcdserver:") and kind is not EtcdErrorKind.DENIED and "user name" not in details:
            raise EtcdError(self._host, kind, tried, in_words(details))
        if code in _PASSING:
            raise _InterruptedError(in_words(details))
        raise _NoGatewayError

    def _post(
        self,
        connection: TargetConnection,
        tried: str,
        path: str,
        body: str,
        headers: Mapping[str, str],
        deadline_s: float,
    ) -> tuple[int, bytes]:
        """Status and body.

        A connection that was closed since its last answer is opened once more.
        """
        try:
            if connection.has_connected:
                with contextlib.suppress(*_CLOSED):
                    return _exchange(connection, path, body, headers, deadline_s)
                connection.reset()
            return _exchange(connection, path, body, headers, deadline_s)
        except TimeoutError:
            self._drop(connection)
            raise EtcdError(self._host, EtcdErrorKind.DEADLINE, tried, f"no answer within {deadline_s:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            self._drop(connection)
            if isinstance(error, _CLOSED) and connection.has_connected and self._credentials is not None:
                raise _InterruptedError(str(error) or "the connection was closed") from None
            raise EtcdError(self._host, *_explained(error, tried)) from None


def _exchange(
    connection: TargetConnection, path: str, body: str, headers: Mapping[str, str], deadline_s: float
) -> tuple[int, bytes]:
    connection.limit(deadline_s)
    connection.request("POST", path, body, dict(headers))
    response = connection.getresponse()
    return response.status, response.read(_LONGEST)


def _explained(error: OSError | http.client.HTTPException, tried: str) -> tuple[EtcdErrorKind, str, str]:
    """The kind of a lost connection, what was tried, and the failure as text."""
    words = str(error) or type(error).__name__
    if isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
        return EtcdErrorKind.REFUSED, tried, words
    if isinstance(error, ssl.SSLError) and not isinstance(error, _CLOSED):
        return EtcdErrorKind.TLS, tried, in_words(words)
    return EtcdErrorKind.UNAVAILABLE, tried, words
