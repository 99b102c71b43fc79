"""No secret survives redaction; ordinary words do."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.model.secret import Secret
from haconsole.pki.keys import make_private_key
from haconsole.transport.redact import HIDDEN, Redactor

PEM = make_private_key(KeyAlgorithm.RSA_2048).pem.decode()
BODY = PEM.splitlines()[1:-1]


@pytest.mark.parametrize(
    "text",
    [
        "auth_pass s3cret-x",
        "    auth_pass\ts3cret-x",
        "Authorization: Bearer s3cret-x.s3cret-x",
        "password=s3cret-x",
        '"password": "s3cret-x"',
        "ETCD_ROOT_PASSWORD: s3cret-x",
        "kubeadm join --token s3cret-x --discovery-token-ca-cert-hash sha256:00",
        "--certificate-key s3cret-x",
        "client-key-data: s3cret+x".replace("s3cret+x", "czNjcmV0LXg="),
    ],
)
def test_what_is_named_a_secret_is_hidden(text: str) -> None:
    shown = Redactor()(text)
    assert "s3cret" not in shown
    assert "czNjcmV0LXg" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize("secret", ["abcdef.0123456789abcdef", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"])
def test_what_looks_like_a_token_is_hidden(secret: str) -> None:
    assert Redactor()(f"it is {secret}, he said") == f"it is {HIDDEN}, he said"


@given(st.integers(0, len(PEM)), st.integers(0, len(PEM)), st.text(max_size=20), st.text(max_size=20))
def test_no_line_of_a_private_key_survives_however_it_is_cut(one: int, other: int, before: str, after: str) -> None:
    """Output is kept from its end: the beginning of a key may be missing, or the end, not both."""
    for cut in (PEM[one:], PEM[:other]):
        shown = Redactor()(f"{before}\n{cut}\n{after}")
        assert not [line for line in BODY if line in shown and line in cut]


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    redact = Redactor((Secret("hunter22"), Secret("short")))
    assert redact("xhunter22x short") == f"x{HIDDEN}x short"


@pytest.mark.parametrize(
    "text",
    [
        "kube-apiserver.service: Main process exited, code=exited, status=1/FAILURE",
        "wrote /etc/kubernetes/pki/ca.crt; the file before it is /etc/kubernetes/pki/.ca.crt.20260101T000000Z",
        "found CN=etcd-ca (SHA-256 0123456789abcdef…); on cp1, cp2, cp3",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "member 8e9e05c52164694d is healthy: successfully committed proposal: took = 2.1ms",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor()(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "y",
        "a-",
        "eyJ-",
        "-eyJaaaaaaaaaa.",
        "password ",
        "-----BEGIN PRIVATE KEY",
        "-----END ",
        "bearer ",
        "A" * 64 + "\n",
    ],
)
def test_hostile_output_takes_no_time(piece: str) -> None:
    text = piece * (64 * 1024 // len(piece))
    begun = time.process_time()
    Redactor()(text)
    assert time.process_time() - begun < 1.0
