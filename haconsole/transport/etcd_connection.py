"""An HTTP connection to etcd's client port, behind a Unix socket or at an address."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from pathlib import Path

from haconsole.model.names import HostName
from haconsole.transport.etcd_channel import EtcdCredentials, Target
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.kube_client import ssl_context
from haconsole.transport.kubeconfig import KubeCredentials


class TargetConnection(http.client.HTTPConnection):
    """A connection to `target`; with TLS the certificate there must name `server_name`."""

    def __init__(self, target: Target, server_name: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(server_name)
        self._target = target
        self._tls = tls
        self._is_shut = False
        self.has_connected = False
        """Whether there was a connection, with its TLS handshake; it may have been closed from afar since."""

    def limit(self, seconds: float) -> None:
        """Bound each wait of the next request."""
        self.timeout = seconds
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def connect(self) -> None:
        near = self._reached()
        try:
            self.sock = self._tls.wrap_socket(near, server_hostname=self.host) if self._tls else near
        except BaseException:
            near.close()
            raise
        if self._is_shut:
            self.close()
            raise ConnectionAbortedError("the connection was closed while it was being opened")
        self.has_connected = True

    def _reached(self) -> socket.socket:
        if not isinstance(self._target, Path):
            address, _, port = self._target.rpartition(":")
            return socket.create_connection((address.strip("[]"), int(port)), self.timeout)
        near = socket.socket(socket.AF_UNIX)
        try:
            near.settimeout(self.timeout)
            near.connect(str(self._target))
        except BaseException:
            near.close()
            raise
        return near

    def reset(self) -> None:
        """Open another connection for the next request."""
        self.close()
        self.has_connected = False

    def shut(self) -> None:
        """End the connection, also while another thread opens it, or waits for an answer from it."""
        self._is_shut = True
        near = self.sock
        if near is not None:
            with contextlib.suppress(OSError, ValueError):
                near.shutdown(socket.SHUT_RDWR)
        self.close()


def tls_context(host: HostName, tried: str, credentials: EtcdCredentials) -> ssl.SSLContext:
    """Trusts only the CA of `credentials` and presents their pair; EtcdError where they cannot be used."""
    try:
        return ssl_context(KubeCredentials(credentials.ca, credentials.cert, credentials.key))
    except (ssl.SSLError, ValueError) as error:
        detail = f"the CA, client certificate or key in use cannot be read ({error})"
        raise EtcdError(host, EtcdErrorKind.TLS, tried, detail) from None
