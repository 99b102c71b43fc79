"""Kubeconfigs on hosts are read as kubectl reads them, and no secret of theirs leaves the host.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many are generated, and which.
"""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.pki.authority import make_authority
from haconsole.pki.keys import make_private_key
from haconsole.pki.leaf import Leaf, sign_leaf
from haconsole.probes.discovery.ask import SECTIONS, first_with_server
from haconsole.probes.shown_kubeconfig import ShownKubeconfig, shown_kubeconfig
from haconsole.scripts import load_script
from tests.fakes.kubeconfigs import KubeconfigGenerator, Material
from tests.unit.transport.test_kubeconfig_oracle import EXAMPLES, SEED, needs_kubectl, read_by_kubectl

P256, NOW = KeyAlgorithm.ECDSA_P256, datetime.now(UTC)
SHELLS = (("dash",), ("bash",), ("busybox", "ash"))


def some_material() -> Material:
    authorities = [make_authority("ca", algorithm=P256, days=9, now=NOW) for _ in range(2)]
    keys = [make_private_key(P256) for _ in range(2)]
    leaves = [
        sign_leaf(authority, Leaf("x"), key.load().public_key(), days=9, now=NOW)
        for authority, key in zip(authorities, keys, strict=True)
    ]
    return Material(
        tuple(authority.certificate.decode() for authority in authorities),
        tuple(leaf.decode() for leaf in leaves),
        tuple(key.pem.decode() for key in keys),
    )


MATERIAL = some_material()
SECRETS = tuple(word for key in MATERIAL.keys for word in (key, b64encode(key.encode()).decode()))


def show(path: Path, shell: tuple[str, ...] = ("sh",)) -> str:
    public = "public() { openssl pkey -pubout 2>/dev/null; }"
    script = f'{public}\n{load_script("lib/kubeconfig")}\nshow_kubeconfig "$1"\n'
    return subprocess.run((*shell, "-c", script, "sh", str(path)), capture_output=True, text=True, check=True).stdout


def public_half(key: str) -> str:
    words = ("openssl", "pkey", "-pubout")
    return subprocess.run(words, input=key, capture_output=True, text=True, check=True).stdout.strip()


def text_of(pem: str, path: str) -> str:
    return pem.strip() if pem else Path(path).read_text().strip() if path else ""


@needs_kubectl
@pytest.mark.thorough
@pytest.mark.timeout(60 + 2 * EXAMPLES)
def test_generated_kubeconfigs_are_read_as_kubectl_does(tmp_path: Path) -> None:
    for seed in range(SEED, SEED + EXAMPLES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        path = KubeconfigGenerator(seed, folder, MATERIAL).write()
        read = read_by_kubectl(path)
        assert read is not None, f"seed {seed}"
        text = show(path, SHELLS[seed % len(SHELLS)])
        assert not [word for word in ("PRIVATE", "signature", *SECRETS) if word in text], f"seed {seed}"
        output = shown_kubeconfig(text, str(path))
        ca, cert, key, _ = read
        assert text_of(output.ca_pem, output.ca_path) == ca.decode().strip(), f"seed {seed}"
        assert text_of(output.cert_pem, output.cert_path) == (cert or b"").decode().strip(), f"seed {seed}"
        own = output.public_pem or (public_half(Path(output.key_path).read_text()) if output.key_path else "")
        assert own == (public_half(key.decode()) if key else ""), f"seed {seed}"
        words = ("kubectl", "--kubeconfig", str(path), "config", "view", "--minify", "-o", "jsonpath={..server}")
        assert output.server == subprocess.run(words, capture_output=True, text=True, check=True).stdout, f"seed {seed}"


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_data_over_several_lines_is_one_word_and_nothing_secret_is_shown(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    (tmp_path / "admin.conf").write_text(
        "current-context: 'now'\n"
        "clusters: [{name: k, cluster: {server: 'https://10.5.0.1:6443'}}]\n"
        "contexts: [{name: now, context: {cluster: k, user: u}}]\n"
        "users:\n- user:\n    client-key-data: |\n"
        + "".join(
            f"      {line}\n"
            for line in subprocess.run(
                ("base64", "-w", "60"), input=MATERIAL.keys[0], capture_output=True, text=True, check=True
            ).stdout.splitlines()
        )
        + "    password: aVeryLongPasswordInOneWord\n  name: u\n"
    )
    text = show(tmp_path / "admin.conf", shell)
    assert not [word for word in ("PRIVATE", "aVeryLong") if word in text]
    output = shown_kubeconfig(text, "/etc/admin.conf")
    assert (output.server, output.public_pem) == ("https://10.5.0.1:6443", public_half(MATERIAL.keys[0]))


@given(st.text(alphabet="|=0123 \npem\ttexthaconsole-data-1:{}[],'\"&*", max_size=200))
def test_no_text_raises(text: str) -> None:
    assert isinstance(shown_kubeconfig(text, "/etc/kubernetes/admin.conf"), ShownKubeconfig)
    assert isinstance(shown_kubeconfig("".join(f"| {line}\n" for line in text.split("\n")), "x"), ShownKubeconfig)


def test_discovery_uses_the_first_kubeconfig_that_names_a_server(tmp_path: Path) -> None:
    (section,) = (each for each in SECTIONS if each.name == "kubeconfigs")
    (tmp_path / "admin.conf").write_text("current-context: gone\n")
    KubeconfigGenerator(3, tmp_path, MATERIAL).write().rename(tmp_path / "kubelet.conf")
    script = section.body.replace("/etc/kubernetes", str(tmp_path))
    output = subprocess.run(("sh", "-c", script), capture_output=True, text=True, check=True).stdout
    path, parts = first_with_server(output)
    assert path == str(tmp_path / "kubelet.conf")
    assert parts.server.startswith("https://")
    assert first_with_server("") == ("", ShownKubeconfig())
