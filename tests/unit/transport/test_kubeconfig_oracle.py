"""Kubeconfigs are read as kubectl reads them.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many are generated, and which.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest

from haconsole.transport.kubeconfig import KubeconfigError, KubeCredentials, credentials_of, files_named
from tests.fakes.kubeconfigs import KubeconfigGenerator, Material

EXAMPLES = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "40"))
SEED = int(os.environ.get("HACONSOLE_ORACLE_SEED", "1"))
KUBECTL = shutil.which("kubectl")

needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


def read_by_kubectl(path: Path) -> tuple[bytes, bytes | None, bytes | None, str | None] | None:
    """CA, certificate, key and token of the current context; None where kubectl refuses the file."""
    words = (KUBECTL or "", "--kubeconfig", str(path), "config", "view", "--minify", "--flatten", "--raw", "-o", "json")
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode:
        return None
    document = json.loads(result.stdout)
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    cert, key = (user.get(f"client-{name}-data") for name in ("certificate", "key"))
    return (
        b64decode(cluster.get("certificate-authority-data", "")),
        b64decode(cert) if cert else None,
        b64decode(key) if key else None,
        user.get("token"),
    )


def read_here(path: Path) -> KubeCredentials:
    folder = str(path.parent)
    names = files_named(path.read_bytes(), folder)
    return credentials_of(path.read_bytes(), {name: Path(name).read_bytes() for name in names}, folder)


def kubeconfig(seed: int, folder: Path) -> Path:
    material = Material(("CA one", "CA two"), ("certificate one", "certificate two"), ("key one", "key two"))
    return KubeconfigGenerator(seed, folder, material).write()


@needs_kubectl
@pytest.mark.thorough
@pytest.mark.timeout(60 + EXAMPLES)
def test_generated_kubeconfigs_are_read_as_kubectl_does(tmp_path: Path) -> None:
    for seed in range(SEED, SEED + EXAMPLES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        path = kubeconfig(seed, folder)
        read = read_by_kubectl(path)
        assert read is not None, f"seed {seed}"
        ours = read_here(path)
        key, token = (secret.reveal() if secret else None for secret in (ours.key, ours.token))
        assert (ours.ca, ours.cert, key.encode() if key else None, token) == read, f"seed {seed}"


@pytest.mark.parametrize("data", ["LS0tLS1C\n  RUdJTg==\n", "LS0tLS1C RUdJTg==", "!!", "LS0"])
@needs_kubectl
def test_base64_is_refused_where_kubectl_refuses_it(data: str, tmp_path: Path) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"certificate-authority-data": data.replace("\n  ", "\n")}}],
        "users": [{"name": "x", "user": {"token": "x"}}],
    }
    path = tmp_path / "admin.conf"
    path.write_text(json.dumps(document))
    read = read_by_kubectl(path)
    if read is None:
        with pytest.raises(KubeconfigError, match="not base64"):
            read_here(path)
    else:
        assert read_here(path).ca == read[0]


@needs_kubectl
@pytest.mark.parametrize("plural", ["contexts", "clusters", "users"])
def test_an_entry_that_is_there_twice_is_refused_as_by_kubectl(plural: str, tmp_path: Path) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"certificate-authority-data": "eA=="}}],
        "users": [{"name": "x", "user": {"token": "x"}}],
    }
    entries = document[plural]
    assert isinstance(entries, list)
    entries.append(entries[0])
    path = tmp_path / "admin.conf"
    path.write_text(json.dumps(document))
    assert read_by_kubectl(path) is None
    with pytest.raises(KubeconfigError, match="more than one"):
        read_here(path)


ONE = """\
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: x, user: x}}]
clusters: [{name: x, cluster: {certificate-authority-data: eA==}}]
users: [{name: x, user: {token: x}}]
"""


@needs_kubectl
@pytest.mark.parametrize("text", [f"{ONE}---\n", f"---\n{ONE}---\nkind: Other\n", f"{ONE}...\n---\n- :\n"])
def test_the_first_document_counts_as_for_kubectl(text: str, tmp_path: Path) -> None:
    path = tmp_path / "admin.conf"
    path.write_text(text)
    read = read_by_kubectl(path)
    assert read is not None
    assert read_here(path).ca == read[0] == b"x"
