"""Kinds and texts of errors from API servers and from the libraries here, with messages captured from both."""

from __future__ import annotations

import pytest

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.kube_errors import KubeError, KubeErrorKind, kind_of_status, kind_of_words, words_of

UNVERIFIED = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Connection refused", "refused"),
        ("No such file or directory", "refused"),
        ("Connection reset by peer", "unavailable"),
        ("Broken pipe", "unavailable"),
        ("Remote end closed connection without response", "unavailable"),
        ("Response ended prematurely", "unavailable"),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)", "unavailable"),
        ("The read operation timed out", "deadline"),
        ("_ssl.c:989: The handshake operation timed out", "deadline"),
        (
            UNVERIFIED + "IP address mismatch, certificate is not valid for '10.9.9.9'. (_ssl.c:1006)",
            "tls",
        ),
        (
            UNVERIFIED + "unable to get local issuer certificate (_ssl.c:1006)",
            "tls",
        ),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)", "tls"),
    ],
)
def test_an_error_on_this_side_has_a_kind(words: str, kind: str) -> None:
    assert kind_of_words(words) == kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "other"), (401, "denied"), (403, "denied"), (404, "not-found"), (410, "gone"), (500, "server"),
     (503, "server"), (504, "deadline")],
)  # fmt: skip
def test_every_status_has_a_kind(status: int, kind: str) -> None:
    assert kind_of_status(status) == kind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"kind":"Status","message":"Unauthorized","code":401}', "Unauthorized (401)"),
        (b"Client sent an HTTP request\n to an HTTPS server.", "Client sent an HTTP request to an HTTPS server. (401)"),
        (b"", "status 401"),
        (b"\xff" * 1000, "\ufffd" * 300 + " (401)"),
    ],
)
def test_the_servers_own_words_are_kept(body: bytes, words: str) -> None:
    assert words_of(401, body) == words


@pytest.mark.parametrize("kind", KubeErrorKind)
def test_every_error_has_host_attempt_answer_and_hint(kind: KubeErrorKind) -> None:
    error = KubeError(HostName("cp1"), kind, "list leases", "the answer")
    assert str(error) == f"cp1: kube-apiserver, list leases: the answer; {error.hint}"
    assert error.hint
    assert error.cause in Cause
