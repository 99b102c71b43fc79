"""The only module that uses the kubernetes library: loads it and makes a blocking client of one API server.

Of the library only its HTTP client is loaded, in a thread at the first connection. The library would write a client
key into a temporary file and knows no Unix sockets: its connection pool is replaced by one that takes an ssl context
made in memory and connects to a socket's path.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from weakref import WeakSet

import msgspec

from haconsole.model.names import HostName
from haconsole.transport.kube_errors import KubeError, KubeErrorKind, kind_of_status, kind_of_words, words_of
from haconsole.transport.kubeconfig import KubeCredentials

Target: TypeAlias = Path | str
"""A Unix socket that ends at the API server's port, or its ``address:port``."""

_CONNECT_WITHIN_S = 5.0
_PACKAGES = ("kubernetes", "kubernetes.client", "kubernetes.utils")
_LOADING = threading.Lock()
"""Held while the library loads: its parts import one another lazily, which two threads at once would stumble over."""


class KubeAnswer(msgspec.Struct, frozen=True):
    """An HTTP status and the complete body."""

    status: int
    body: bytes


class KubeClient:
    """Blocking calls, each bounded by a time-out; made by `open_client`, which is to be called in a thread."""

    def __init__(
        self, host: HostName, url: str, client: Any, connections: WeakSet[Any], headers: dict[str, str]
    ) -> None:
        self.host = host
        self._url = url
        self._client = client
        self._connections = connections
        self._headers = headers

    def get(
        self, tried: str, path: str, deadline_s: float, accept: str = "application/json", *, packed: bool = False
    ) -> KubeAnswer:
        """The answer to one GET, whatever its status; `tried` is its description for the error.

        A `packed` answer crosses the network compressed.
        """
        with self.explained(tried):
            response = self._request(path, accept, deadline_s, packed=packed)
            try:
                return KubeAnswer(response.status, response.read())
            finally:
                response.response.release_conn()

    def send(self, tried: str, method: str, path: str, body: bytes, kind: str, deadline_s: float) -> KubeAnswer:
        """The answer to one POST, PUT, PATCH or DELETE with the JSON `body` of content type `kind`."""
        headers = {**self._headers, "Accept": "application/json", "Content-Type": kind}
        timeout = (min(deadline_s, _CONNECT_WITHIN_S), deadline_s)
        with self.explained(tried):
            response = self._client.pool_manager.request(
                method, f"{self._url}{path}", body=body, headers=headers, timeout=_time_out(*timeout), retries=False
            )
            return KubeAnswer(response.status, response.data)

    def watch(self, tried: str, path: str, silence_s: float) -> Watch:
        """A GET whose answer goes on; ended by the server, or by `silence_s` without a byte."""
        with self.explained(tried):
            response = self._request(path, "application/json", silence_s)
        if response.status != 200:
            with self.explained(tried):
                body = response.read()
            raise KubeError(self.host, kind_of_status(response.status), tried, words_of(response.status, body))
        return Watch(self, tried, response.response)

    def close(self) -> None:
        """End all connections; calls under way fail."""
        for connection in tuple(self._connections):
            _shut_down(connection)
        self._client.pool_manager.clear()

    def _request(self, path: str, accept: str, deadline_s: float, *, packed: bool = False) -> Any:
        headers = {**self._headers, "Accept": accept, **({"Accept-Encoding": "gzip"} if packed else {})}
        timeout = (min(deadline_s, _CONNECT_WITHIN_S), deadline_s)
        return self._client.request("GET", f"{self._url}{path}", headers=headers, _request_timeout=timeout)

    @contextlib.contextmanager
    def explained(self, tried: str) -> Iterator[None]:
        """Turn whatever the library raises within into a KubeError."""
        try:
            yield
        except KubeError:
            raise
        except Exception as error:
            words = _words(error)
            raise KubeError(self.host, kind_of_words(words), tried, words) from None


class Watch:
    """Lines of a streamed answer, as they come; reading them to their end closes it."""

    def __init__(self, client: KubeClient, tried: str, response: Any) -> None:
        self._client = client
        self._tried = tried
        self._response = response
        self._connection = response.connection

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        try:
            with self._client.explained(self._tried):
                for part in self._response.stream(65536, decode_content=False):
                    *lines, rest = (rest + part).split(b"\n")
                    yield from lines
        finally:
            self.close()

    def interrupt(self) -> None:
        """Make the thread that reads the lines come to their end."""
        _shut_down(self._connection)

    def close(self) -> None:
        """Give the connection up; not while another thread reads."""
        _shut_down(self._connection)
        self._response.close()


def open_client(host: HostName, target: Target, credentials: KubeCredentials, server_name: str) -> KubeClient:
    """A client of the API server behind `target`, which is connected to at the first call."""
    rest_client = _load()
    try:
        context = ssl_context(credentials)
    except (ssl.SSLError, ValueError) as error:
        detail = f"the CA, client certificate or key in use cannot be read ({error})"
        raise KubeError(host, KubeErrorKind.TLS, "connect", detail) from None
    connections: WeakSet[Any] = WeakSet()

    class RestClient(rest_client):  # type: ignore[misc, valid-type]
        """Has a pool of its own instead of one made from files of certificates and a proxy's address."""

        def __init__(self) -> None:
            self.configuration = None
            self.pool_manager = _pool(target, context, server_name, connections)

    url = f"https://{server_name if isinstance(target, Path) else target}"
    bearer = {"Authorization": f"Bearer {credentials.token.reveal()}"} if credentials.token else {}
    return KubeClient(host, url, RestClient(), connections, bearer)


def preload() -> None:
    """Load the library now, so that the first connection need not."""
    _load()


def _load() -> Any:
    """The library's HTTP client, without its models of every kind of object, which would take 15 MiB and 0.1 s.

    Importing a part of the library executes the packages around it, which load all of it. So these are registered
    without being executed, and forgotten afterwards: a later import of them is a complete one.
    """
    with _LOADING:
        loaded = sys.modules.get("kubernetes.client.rest")
        if loaded is not None:
            return loaded.RESTClientObject
        added = [name for name in _PACKAGES if name not in sys.modules]
        try:
            for name in added:
                spec = importlib.util.find_spec(name)
                if spec is None:
                    raise ImportError("the kubernetes library is missing: install haconsole with its dependencies")
                sys.modules[name] = importlib.util.module_from_spec(spec)
            from kubernetes.client.rest import RESTClientObject
        finally:
            for name in added:
                sys.modules.pop(name, None)
    return RESTClientObject


def ssl_context(credentials: KubeCredentials) -> ssl.SSLContext:
    """Trusts only the given CA and presents the client certificate, whose key is only in memory."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=credentials.ca.decode("ascii"))
    if credentials.cert is not None and credentials.key is not None:
        file = os.memfd_create("client", os.MFD_CLOEXEC)
        try:
            os.write(file, credentials.cert + b"\n" + credentials.key.reveal().encode())
            context.load_cert_chain(f"/proc/self/fd/{file}", password="")
        finally:
            os.close(file)
    return context


def _pool(target: Target, context: ssl.SSLContext, server_name: str, connections: WeakSet[Any]) -> Any:
    import urllib3
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool

    class Connection(HTTPSConnection):
        """Known to the client while it lasts; goes to the Unix socket where the target is one."""

        def _new_conn(self) -> socket.socket:
            connections.add(self)
            if not isinstance(target, Path):
                return super()._new_conn()
            near = socket.socket(socket.AF_UNIX)
            try:
                near.settimeout(self.timeout)
                near.connect(str(target))
            except OSError:
                near.close()
                raise
            return near

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Connection

    pools = urllib3.PoolManager(num_pools=1, maxsize=4, retries=False, ssl_context=context, server_hostname=server_name)
    pools.pool_classes_by_scheme = {"https": Pool}
    return pools


def _time_out(connect_s: float, read_s: float) -> Any:
    import urllib3

    return urllib3.Timeout(connect=connect_s, read=read_s)


def _shut_down(connection: Any) -> None:
    """Wake whatever reads from the connection, from any thread."""
    near = getattr(connection, "sock", None)
    if near is not None:
        with contextlib.suppress(OSError, ValueError):
            near.shutdown(socket.SHUT_RDWR)


def _words(error: Exception) -> str:
    """The library's words without its wrapping; the operating system's where they are behind it."""
    inner = next((each for each in (*error.args, error.__cause__) if isinstance(each, OSError)), None)
    if inner is not None:
        return " ".join((inner.strerror or str(inner)).split())
    message = " ".join(str(getattr(error, "reason", None) or error).split())
    return message.rpartition(">: ")[2].removeprefix("SSLError ") or type(error).__name__
