"""Kubeconfigs are read as kubectl reads them.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many are generated, and which.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

from haconsole.transport.kubeconfig import KubeconfigError, KubeCredentials, credentials_of, files_named

EXAMPLES = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "40"))
SEED = int(os.environ.get("HACONSOLE_ORACLE_SEED", "1"))
KUBECTL = shutil.which("kubectl")

needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


def read_by_kubectl(path: Path) -> tuple[bytes, bytes | None, bytes | None, str | None] | None:
    """CA, certificate, key and token of the current context; None where kubectl refuses the file."""
    words = (KUBECTL or "", "--kubeconfig", str(path), "config", "view", "--minify", "--flatten", "--raw", "-o", "json")
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        return None
    shown = json.loads(done.stdout)
    cluster, user = shown["clusters"][0]["cluster"], shown["users"][0]["user"]
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
    """A kubeconfig of a random form, with its files beside it."""
    pick = random.Random(seed)

    def material(name: str, text: str) -> dict[str, Any]:
        """A CA, certificate or key, embedded or in a file; kubectl does not show one that is both."""
        data, file = b64encode(text.encode()).decode(), f"{name}-{pick.randrange(9)}.pem"
        (folder / file).write_text(f"file {text}")
        if pick.random() < 0.3:
            data = "\n".join(data[at : at + 20] for at in range(0, len(data), 20)) + "\n"
        own = file if pick.random() < 0.6 else str(folder / file)
        return pick.choice(({f"{name}-data": data}, {name: own}))

    def user(name: str) -> dict[str, Any]:
        form: dict[str, Any] = {
            **material("client-certificate", f"certificate of {name}"),
            **material("client-key", f"key of {name}"),
        }
        return pick.choice((form, {"token": f"token-{name}"}))

    def cluster(name: str) -> dict[str, Any]:
        return {"server": f"https://{name}:6443", **material("certificate-authority", name)}

    names = ["a", "b", "c"][: pick.randint(1, 3)]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [{"name": f"k-{name}", "cluster": cluster(name)} for name in names],
        "users": [{"name": f"u-{name}", "user": user(name)} for name in names],
        "contexts": [{"name": name, "context": {"cluster": f"k-{name}", "user": f"u-{name}"}} for name in names],
        "current-context": pick.choice(names),
    }
    text = pick.choice(
        (
            yaml.safe_dump(document),
            yaml.safe_dump(document, default_style='"'),
            yaml.safe_dump(document, default_flow_style=True),
            json.dumps(document),
            json.dumps(document, indent=2),
        )
    )
    path = folder / "admin.conf"
    path.write_text(text)
    return path


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
