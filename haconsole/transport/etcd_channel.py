"""The only module that uses etcd3 and grpc: loads them, opens a channel to one member, turns errors into messages.

etcd3's generated messages are older than protobuf 4 and load only on its pure-Python implementation, so
``PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python`` is set before the first import (status answers are small: nothing
measurable is lost). ``GRPC_VERBOSITY=NONE`` keeps grpc from writing TLS failures onto the screen. Loading takes some
0.1 s and happens in a thread at the first connection, so importing this module is cheap.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from haconsole.model.names import HostName
from haconsole.model.secret import Secret
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind, in_words, kind_of

Target: TypeAlias = Path | str
"""A Unix socket that ends at the member's client port, or its ``address:port``."""

Message: TypeAlias = Any
"""A protobuf message of etcd3.etcdrpc, which has no types."""

_LONGEST_MESSAGE = 64 << 20

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", _LONGEST_MESSAGE),
)


class EtcdCredentials(msgspec.Struct, frozen=True):
    """PEM bytes that etcd's client port requires; without certificate and key if it does not check clients."""

    ca: bytes
    cert: bytes | None = None
    key: Secret | None = None


class EtcdChannel:
    """One gRPC channel to one member. Made by LazyChannel; belongs to the event loop that made it."""

    def __init__(self, host: HostName, client: Any, rpc: Any, rpc_error: type[Exception]) -> None:
        self.host = host
        self.client = client
        self.rpc = rpc
        self._rpc_error = rpc_error

    async def ask(
        self, tried: str, method: Any, request: Message, deadline_s: float, *, leader_needed: bool = False
    ) -> Message:
        """One unary call; `tried` is its description for the error.

        With `leader_needed` the server refuses at once while it knows no leader, instead of waiting for one.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        metadata = (("hasleader", "true"),) if leader_needed else ()
        try:
            call = method.future(request, timeout=deadline_s, metadata=metadata)
        except ValueError as error:
            raise EtcdError(self.host, EtcdErrorKind.UNAVAILABLE, tried, str(error)) from None
        call.add_done_callback(lambda _: _wake(loop, ended))
        try:
            await ended
        except asyncio.CancelledError:
            call.cancel()
            raise
        try:
            return call.result()
        except self._rpc_error as error:
            raise self.explained(tried, error, deadline_s) from None

    async def consume(
        self, tried: str, method: Any, request: Message, deadline_s: float, use: Callable[[Iterable[Message]], None]
    ) -> None:
        """One call whose answer is a stream, handed to `use` in a thread; cancelling ends the stream first."""
        stream = method(request, timeout=deadline_s)
        work = asyncio.ensure_future(asyncio.to_thread(use, stream))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            stream.cancel()
            await asyncio.wait((work,))
            work.cancelled() or work.exception()
            raise
        except self._rpc_error as error:
            raise self.explained(tried, error, deadline_s) from None

    def explained(self, tried: str, error: Any, deadline_s: float) -> EtcdError:
        """The error of a failed call as text."""
        code, details = error.code().name, error.details() or error.code().name
        late = code == "DEADLINE_EXCEEDED"
        reason = f"no answer within {deadline_s:g} s" if late else in_words(details)
        return EtcdError(self.host, kind_of(code, details), tried, reason)

    def unary(self, path: str, serialize: Callable[[Message], bytes], deserialize: Callable[[bytes], Message]) -> Any:
        """A call that etcd3's generated stubs lack or know without its newer fields."""
        return self.client.channel.unary_unary(path, request_serializer=serialize, response_deserializer=deserialize)

    def close(self) -> None:
        """End the connection; calls under way fail."""
        self.client.close()


class LazyChannel:
    """The channel to `target`, made for the first call that needs it. `server_name` is checked against the SANs."""

    def __init__(
        self, host: HostName, target: Target, credentials: EtcdCredentials | None, server_name: str | None
    ) -> None:
        self.host = host
        self._make = partial(_open, host, target, credentials, server_name)
        self._making = asyncio.Lock()
        self._is_closed = False
        self._channel: EtcdChannel | None = None

    async def opened(self) -> EtcdChannel:
        """The channel; EtcdError after `close`."""
        async with self._making:
            if self._is_closed:
                raise EtcdError(self.host, EtcdErrorKind.UNAVAILABLE, "connect", "this client is closed")
            if self._channel is None:
                self._channel = await asyncio.to_thread(self._make)
            return self._channel

    def close(self) -> None:
        """End the connection; calls under way fail."""
        self._is_closed = True
        if self._channel is not None:
            self._channel.close()


def _open(host: HostName, target: Target, credentials: EtcdCredentials | None, server_name: str | None) -> EtcdChannel:
    etcd3, grpc = _load()
    options: list[tuple[str, int | str]] = list(_OPTIONS)
    if credentials is not None and (server_name is not None or isinstance(target, Path)):
        options.append(("grpc.ssl_target_name_override", server_name or "localhost"))

    class Client(etcd3.Etcd3Client):  # type: ignore[misc, name-defined]
        """Takes credentials from memory where etcd3 would read files."""

        def _get_secure_creds(self, ca: EtcdCredentials, key: None = None, cert: None = None) -> Any:
            secret = ca.key.reveal().encode() if ca.key is not None else None
            return grpc.ssl_channel_credentials(ca.ca, secret, ca.cert)

    where, port = ("unix", str(target)) if isinstance(target, Path) else target.rsplit(":", 1)
    client = Client(where, port, ca_cert=credentials, grpc_options=options)
    return EtcdChannel(host, client, etcd3.etcdrpc, grpc.RpcError)


def _load() -> tuple[Any, Any]:
    os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
    os.environ["GRPC_VERBOSITY"] = "NONE"
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"etcd3\.")
    import etcd3
    import grpc

    return etcd3, grpc


def _wake(loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
    """From grpc's thread: let the waiting task go on, unless it or its loop is gone."""

    def settle() -> None:
        if not ended.done():
            ended.set_result(None)

    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)
