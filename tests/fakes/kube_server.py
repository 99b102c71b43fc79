"""An API server with scripted answers, over real TLS."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.programs.etcd import Tls

Script = Callable[["Stream"], None]


class Stream:
    """The open answer to one watch."""

    def __init__(self, handler: BaseHTTPRequestHandler, ended: threading.Event) -> None:
        self._handler = handler
        self._ended = ended

    def say(self, *lines: str) -> None:
        for line in lines:
            data = line.encode() + b"\n"
            self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def finish(self) -> None:
        """End as the server's own time-out does; without it the connection just breaks."""
        self._handler.wfile.write(b"0\r\n\r\n")

    def hang(self) -> None:
        """Send nothing until the server ends."""
        self._ended.wait(30)


@dataclass
class KubeServer:
    """`answers` by path: a status and a body. Each watch takes the next of `watches`; an integer is its status.

    `asked` are the paths with their queries, `clients` the common names of the certificates shown.
    """

    port: int = 0
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    watches: list[Script | int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def revisions(self) -> list[str]:
        """The revisions from which the watches were to continue."""
        queries = [parse_qs(urlsplit(path).query) for path in self.requests]
        return [query["resourceVersion"][0] for query in queries if "watch" in query]


@contextmanager
def serving(tls: Tls) -> Iterator[KubeServer]:
    """Answers on loopback while the block lasts."""
    output = KubeServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(output))
    http.socket = _context(tls).wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    http.handle_error = lambda *_: None  # type: ignore[method-assign]
    output.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield output
    finally:
        output.ended.set()
        http.shutdown()
        thread.join()
        http.server_close()


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.cert, tls.key)
    context.load_verify_locations(tls.ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _handler(kube_server: KubeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            kube_server.requests.append(self.path)
            kube_server.headers.append(dict(self.headers))
            kube_server.clients.append(_common_name(self.connection))
            if "watch=1" in self.path:
                self._watch()
            else:
                self._answer(*kube_server.answers.get(self.path, (404, "not found")))

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def _watch(self) -> None:
            script = kube_server.watches.pop(0) if kube_server.watches else 503
            if isinstance(script, int):
                self._answer(script, "")
                return
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            script(Stream(self, kube_server.ended))
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

    return Handler


def _common_name(connection: object) -> str:
    output = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    subject = output.get("subject", ()) if output else ()
    return next((str(pair[0][1]) for pair in subject if pair and pair[0][0] == "commonName"), "")
