"""Certificates that servers and balancers present, compared with the files."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from haconsole.pki.bundle import fingerprint_of
from haconsole.probes.certificate.reader_script import (
    ENDPOINT,
    parse_endpoint,
    sections,
)
from tests.fakes.pki_folder import Pki, run_sections


@contextmanager
def serving(pki: Pki, name: str) -> Iterator[int]:
    """A TLS server that requests client certificates, as etcd does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.path(f"{name}.crt"), pki.path(f"{name}.key"))
    context.load_verify_locations(pki.path("ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            accepted, _ = listening.accept()
            with accepted:
                try:
                    context.wrap_socket(accepted, server_side=True).close()
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_what_is_served_is_compared_with_the_file(pki: Pki) -> None:
    pki.leaf("server")
    with serving(pki, "server") as port:
        (result,), _, _ = pki.look(pki.file("etcd-server", "server", port))
    assert (result.served_at, result.served_fingerprint) == (f"127.0.0.1:{port}", result.fingerprint)
    assert result.problem is None
    with serving(pki, "server") as port:
        pki.leaf("server")
        (renewed,), _, _ = pki.look(pki.file("etcd-server", "server", port))
    assert renewed.served_fingerprint == result.fingerprint != renewed.fingerprint
    assert "restart the process to load" in (renewed.problem or "")


@contextmanager
def balancing(pki: Pki, *names: str) -> Iterator[int]:
    """A balancer that gives each connection to the next of its servers."""
    contexts = []
    for name in names:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.path(f"{name}.crt"), pki.path(f"{name}.key"))
        contexts.append(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for number in range(4):
                accepted, _ = listening.accept()
                with accepted, suppress(OSError):
                    contexts[number % len(contexts)].wrap_socket(accepted, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_each_server_behind_an_endpoint_presents_its_certificate(pki: Pki) -> None:
    own = {fingerprint_of(pki.leaf(name)) for name in ("one", "two", "three")}
    with balancing(pki, "one", "two", "three") as port:
        answer = run_sections(sections((), (), endpoint=("127.0.0.1", port)))[ENDPOINT]
    assert {fingerprint_of(pem.encode()) for pem in parse_endpoint(answer)} == own


def test_an_endpoint_without_an_answer_presents_nothing(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert parse_endpoint(run_sections(sections((), (), endpoint=("127.0.0.1", port)))[ENDPOINT]) == ()
    assert ENDPOINT not in run_sections(sections((), ()))


def test_nobody_serving_is_no_problem(pki: Pki) -> None:
    pki.leaf("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (result,), _, _ = pki.look(pki.file("etcd-server", "server", port))
    assert (result.served_at, result.served_fingerprint, result.problem) == (None, None, None)
