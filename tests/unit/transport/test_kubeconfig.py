"""Credentials from kubeconfigs of both kinds: with everything inside, and with paths."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.configs.kubeconfig import kubeconfig
from haconsole.configs.layout import KeyPairFiles
from haconsole.model.secret import Secret
from haconsole.transport.kubeconfig import KubeconfigError, KubeCredentials, credentials_of, files_named
from tests.unit.configs import samples

EMBEDDED = f"""\
apiVersion: v1
kind: Config
clusters:
- name: other
  cluster: {{server: "https://elsewhere:6443"}}
- name: kubernetes
  cluster:
    certificate-authority-data: {b64encode(b"the CA").decode()}
    server: https://127.0.0.1:6443
contexts:
- name: kubernetes-admin@kubernetes
  context: {{cluster: kubernetes, user: kubernetes-admin}}
current-context: kubernetes-admin@kubernetes
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {b64encode(b"the certificate").decode()}
    client-key-data: {b64encode(b"the key").decode()}
""".encode()
WANTED = KubeCredentials(b"the CA", b"the certificate", Secret("the key"))


def test_everything_inside() -> None:
    assert files_named(EMBEDDED) == ()
    assert credentials_of(EMBEDDED, {}) == WANTED


def test_paths_as_our_own_kubeconfigs_have_them() -> None:
    pair = KeyPairFiles("/etc/kubernetes/pki/admin.crt", "/etc/kubernetes/pki/admin.key")
    text = kubeconfig(samples.lab(), user="admin", files=pair, server="https://127.0.0.1:6443").encode()
    ca, cert, key = files_named(text)
    assert (cert, key) == (pair.cert, pair.key)
    files = {ca: b"the CA", cert: b"the certificate", key: b"the key"}
    assert credentials_of(text, files) == WANTED
    del files[key]
    with pytest.raises(KubeconfigError, match=f"{pair.key}, which the kubeconfig names, was not found"):
        credentials_of(text, files)


@pytest.mark.parametrize("inside", [True, False])
def test_a_token_instead_of_a_certificate(inside: bool) -> None:
    head, _, _ = EMBEDDED.partition(b"    client-certificate-data")
    named = head + (b"    token: hush\n" if inside else b"    tokenFile: /run/token\n")
    assert files_named(named) == (() if inside else ("/run/token",))
    target = replace(WANTED, cert=None, key=None, token=Secret("hush"))
    assert credentials_of(named, {"/run/token": b"hush\n"}) == target


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (b"\x00", "not YAML"),
        (b"- a", "not a mapping"),
        (b"{}", "no context None"),
        (EMBEDDED.replace(b"cluster: kubernetes,", b"cluster: gone,"), "no cluster 'gone'"),
        (EMBEDDED.replace(b"certificate-authority-data", b"other"), "has no CA"),
        (EMBEDDED.replace(b"client-key-data", b"other"), "neither client certificate and key nor token"),
        (EMBEDDED.replace(b"client-key-data: ", b"client-key-data: !"), "has no user|not base64|not YAML"),
        (EMBEDDED.replace(b"client-key-data: ", b"client-key-data: a-b"), "client-key-data of the kubeconfig"),
    ],
)
def test_an_unusable_file_is_refused_with_the_reason(fault: bytes, message: str) -> None:
    with pytest.raises(KubeconfigError, match=message) as excinfo:
        credentials_of(fault, {})
    assert "the key" not in str(excinfo.value)


@given(st.binary(max_size=60), st.integers(0, len(EMBEDDED)))
def test_any_bytes_are_credentials_or_refused(noise: bytes, at: int) -> None:
    for text in (noise, EMBEDDED[:at] + noise + EMBEDDED[at:]):
        try:
            assert isinstance(credentials_of(text, {}), KubeCredentials)
        except KubeconfigError as error:
            assert str(error)  # noqa: PT017
