"""A client of the HTTP pages of etcd, such as metrics, through a Unix socket (etcd.io: Monitoring etcd)."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import zlib
from pathlib import Path

from haconsole.model.names import HostName
from haconsole.transport.etcd_channel import EtcdCredentials
from haconsole.transport.etcd_connection import TargetConnection, tls_context
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.threads import in_thread

_LONGEST = 4 << 20
"""Bytes of a page; the metrics of a member have some 150,000, a tenth of that packed."""
_GZIP = 16 + zlib.MAX_WBITS


class EtcdPages:
    """Reads pages of the etcd on `host` behind `socket_path`, one at a time; with TLS if there are credentials."""

    def __init__(
        self, host: HostName, socket_path: Path, credentials: EtcdCredentials | None, server_name: str
    ) -> None:
        self._host = host
        self._socket_path = socket_path
        self._server_name = server_name
        self._tls = tls_context(host, "GET /metrics", credentials) if credentials else None
        self._connection: TargetConnection | None = None
        self._is_closed = False

    async def metrics(self, *, deadline_s: float) -> str:
        """The text of /metrics; EtcdError if there is none, or after `close`."""
        path = "/metrics"
        if self._is_closed:
            raise self._error(EtcdErrorKind.UNAVAILABLE, path, "this client is closed")
        connection = self._connection = self._connection or TargetConnection(
            self._socket_path, self._server_name, self._tls
        )
        try:
            return await in_thread(lambda: self._read(connection, path, deadline_s), "etcd-metrics")
        except asyncio.CancelledError:
            self._drop(connection)
            raise

    def close(self) -> None:
        """End the connection; a page under way fails."""
        self._is_closed = True
        if self._connection is not None:
            self._drop(self._connection)

    def _drop(self, connection: TargetConnection) -> None:
        """End this connection, which a thread may still use; the next page opens another one."""
        connection.shut()
        if self._connection is connection:
            self._connection = None

    def _read(self, connection: TargetConnection, path: str, deadline_s: float) -> str:
        try:
            status, body = _get(connection, path, deadline_s)
        except TimeoutError:
            self._drop(connection)
            raise self._error(EtcdErrorKind.DEADLINE, path, f"no answer within {deadline_s:g} s") from None
        except ssl.SSLError as error:
            self._drop(connection)
            raise self._error(EtcdErrorKind.TLS, path, str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            self._drop(connection)
            raise self._error(EtcdErrorKind.UNAVAILABLE, path, str(error) or type(error).__name__) from None
        if status != http.HTTPStatus.OK or len(body) > _LONGEST:
            self._drop(connection)
            raise self._error(EtcdErrorKind.UNSUPPORTED, path, f"status {status}, {len(body)} bytes")
        return body.decode(errors="replace")

    def _error(self, kind: EtcdErrorKind, path: str, detail: str) -> EtcdError:
        return EtcdError(self._host, kind, f"GET {path}", detail)


def _get(connection: TargetConnection, path: str, deadline_s: float) -> tuple[int, bytes]:
    connection.limit(deadline_s)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    body = response.read(_LONGEST + 1)
    is_packed = response.headers.get("Content-Encoding") == "gzip"
    return response.status, _unpacked(body) if is_packed else body


def _unpacked(body: bytes) -> bytes:
    """The content of a gzip stream, and not much more than the longest page of it."""
    try:
        return zlib.decompressobj(_GZIP).decompress(body, _LONGEST + 1)
    except zlib.error as error:
        raise http.client.HTTPException(f"not readable: {error}") from None
