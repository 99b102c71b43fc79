"""A private Unix socket that ends at a TCP port: what an SSH forward does, without SSH."""

from __future__ import annotations

import selectors
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def forward(folder: Path, port: int) -> Iterator[Path]:
    """The socket's path, while the block lasts; its end breaks the connections that are left."""
    path = folder / f"{port}.sock"
    with _Server(path, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield path
        finally:
            server.end()
            thread.join()
    path.unlink()


class _Server(socketserver.ThreadingUnixStreamServer):
    """Leaving it waits for the threads of all connections."""

    def __init__(self, path: Path, port: int) -> None:
        self.port = port
        self.ended, self._ending = socket.socketpair()
        super().__init__(str(path), _Connection)

    def end(self) -> None:
        self._ending.close()
        self.shutdown()

    def server_close(self) -> None:
        super().server_close()
        self.ended.close()
        self._ending.close()


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.port)) as far:
            _pump(self.request, far, self.server.ended)


def _pump(near: socket.socket, far: socket.socket, ended: socket.socket) -> None:
    """Copy both ways until both sides, or the server, end; the end of one side is passed on, as SSH does."""
    with selectors.DefaultSelector() as ready:
        ready.register(near, selectors.EVENT_READ, far)
        ready.register(far, selectors.EVENT_READ, near)
        ready.register(ended, selectors.EVENT_READ)
        while len(ready.get_map()) > 1:
            for key, _ in ready.select():
                if key.data is None:
                    return
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if data:
                    key.data.sendall(data)
                else:
                    ready.unregister(key.fileobj)
                    key.data.shutdown(socket.SHUT_WR)
