"""Nothing secret stays in a text that is shown."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.model.secret import Secret
from haconsole.pki.keys import make_private_key
from haconsole.transport.redact import MASK, redact

PEM = """-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOXm0TqfE8mK7bTn5Cq1H0Yk2oZb3m8Q5t0mYw3cGgZ7oAoGCCqGSM49
AwEHoUQDQgAE
-----END EC PRIVATE KEY-----"""
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@given(st.text(min_size=4).filter(lambda word: len(word.strip()) >= 4), st.text(), st.text())
def test_a_known_secret_never_stays(word: str, before: str, after: str) -> None:
    if word not in MASK and not word.startswith("-----"):
        assert word not in redact(f"{before}{word}{after}", (Secret(word),)).replace(MASK, "")


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"before {PEM} after", "MHcCAQEE"),
        (PEM.partition("AwEH")[0], "MHcCAQEE"),
        ("client-key-data: LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCg==", "LS0tLS1C"),
        (f"Authorization: Bearer {JWT}", "c2lnbmF0"),
        (f"token {JWT}", "c2lnbmF0"),
        ("kubeadm join 10.0.0.1:6443 --token abcdef.0123456789abcdef", "0123456789abcdef"),
        ("kubeadm join --certificate-key 9555b74008f24687eb964bd90a164ecb5760a89481d9c55a77c129b7db438168", "9555b7"),
        ("password: hunter2", "hunter2"),
        ('{"password": "hun ter2", "user": "x"}', "ter2"),
        ("ETCD_ROOT_PASSWORD=hunter2", "hunter2"),
        ("    auth_pass k8s-vip!", "k8s-vip!"),
        ("    stats auth admin:hunter2", "hunter2"),
        ("https://admin:hunter2@example.org/x", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    output = redact(text)
    assert secret not in output
    assert MASK in output


@pytest.mark.parametrize(
    "text",
    [
        "etcd: publish error: etcdserver: request timed out, possibly due to connection lost",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "member 8e9e05c52164694d at https://10.99.0.11:2380 is healthy",
        "sudo: a password is required",
        "certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_each_line_of_a_secret_is_masked_wherever_it_is() -> None:
    output = redact("  | first-part\n  | other-part\n", (Secret("first-part\nother-part"),))
    assert output == f"  | {MASK}\n  | {MASK}\n"


KEY = make_private_key(KeyAlgorithm.RSA_2048).pem.decode()


@given(st.integers(0, len(KEY)), st.text(max_size=20), st.text(max_size=20))
def test_no_line_of_a_private_key_survives_however_it_is_cut(at: int, before: str, after: str) -> None:
    for cut in (KEY[at:], KEY[:at]):
        output = redact(f"{before}\n{cut}\n{after}")
        assert not [line for line in KEY.splitlines()[1:-1] if line in output]


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "y",
            "a-",
            "eyJ-",
            "-eyJaaaaaaaaaa.",
            "password ",
            "bearer ",
            "A" * 64 + "\n",
            "--a-",
            "a://b",
            "stats auth ",
        ),
        *("-----BEGIN PRIVATE KEY", "-----END ", "-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_hostile_output_takes_no_time(piece: str) -> None:
    text = piece * (64 * 1024 // len(piece))
    start = time.process_time()
    redact(text)
    assert time.process_time() - start < 2.0
