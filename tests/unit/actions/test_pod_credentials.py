"""The scripts that renew and check pods' credentials, with kubectl's answers from files."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from haconsole.actions.rotation.ca import kubeadm, workloads
from haconsole.inventory.schema import KeyAlgorithm
from haconsole.pki.authority import make_authority
from haconsole.pki.bundle import fingerprint_of

pytestmark = pytest.mark.usefixtures("posix_shell")
NOW = datetime.now(UTC)
OLD, NEW, PROXY = (
    make_authority(name, algorithm=KeyAlgorithm.ECDSA_P256, days=10, now=NOW) for name in ("old", "new", "proxy")
)
MOUNT = "/etc/config /var/run/secrets/kubernetes.io/serviceaccount"
KUBECTL = """#!/bin/sh
case "$*" in
  *"get namespace"*) cat noted ;;
  *"get secrets"*) cat secrets ;;
  *"get pods"*) cat pods ;;
  *"get daemonsets"*) cat workloads ;;
  *client-ca-file}) cat client ;;
  *"rollout status"*) printf '%s\\n' "$*" >>calls; [ ! -e unavailable ] ;;
  *) printf '%s\\n' "$*" >>calls; [ ! -e signed ] || cp signed secrets ;;
esac
"""


class Cluster:
    """A folder with kubectl's answers, the next CA and the key that signs tokens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "kubectl").write_text(KUBECTL)
        (folder / "kubectl").chmod(0o755)
        (folder / "ca-next.crt").write_bytes(NEW.certificate)
        (folder / "sa.key").write_bytes(NEW.key.pem)
        self.mark = f"new-{fingerprint_of(NEW.certificate)[:16].upper()}"
        self.answers(noted=f"{self.mark} 2026-03-01T12:00:00Z", secrets=secret("default app", NEW.key.pem), pods="")

    def answers(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.folder / name).write_text(text)

    def run(self, script: str, *words: str, options: str = "-c") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        return subprocess.run(
            ("sh", options, script.strip(), "test", "admin.conf", *words),
            cwd=self.folder, env=environment, capture_output=True, text=True,
        )  # fmt: skip

    def old(self, key: str = "sa.key") -> str:
        result = self.run(workloads.OLD, "new", "ca-next.crt", key)
        assert (result.returncode == 0) == (result.stderr == "")
        return result.stderr

    def renew(self, what: str, scope: str = "kube-system") -> subprocess.CompletedProcess[str]:
        options = "-c" if what == "check" else "-ec"
        return self.run(workloads.RENEW, "new", "ca-next.crt", "sa.key", scope, what, options=options)

    @property
    def calls(self) -> str:
        path = self.folder / "calls"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def secret(name: str, key: bytes) -> str:
    """A line of the Secrets: a token with that key's ID in its header, as kube-controller-manager signs it."""
    public = load_pem_private_key(key, None).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kid = urlsafe_b64encode(sha256(public).digest()).decode().rstrip("=")
    header = urlsafe_b64encode(f'{{"alg":"RS256","kid":"{kid}"}}'.encode()).decode().rstrip("=")
    return f"{name} {b64encode(f'{header}.e30.c2ln'.encode()).decode()}\n"


def pod(
    name: str, start: str, *, phase: str = "Running", mirror: str = "", mounts: str = MOUNT, secret: str = ""
) -> str:
    return f"default {name}|2026-03-01T{start}Z|{phase}|{mirror}|{mounts}|{secret}\n"


def test_a_pod_that_started_before_the_restarts_has_old_credentials(cluster: Cluster) -> None:
    assert cluster.old() == ""
    others = pod("new", "12:00:00"), pod("etcd", "09:00:00", mirror="ab"), pod("job", "09:00:00", phase="Succeeded")
    cluster.answers(pods="".join((*others, pod("plain", "09:00:00", mounts="/data"))))
    assert cluster.old() == ""
    cluster.answers(pods="".join((*others, pod("late", "11:59:59"))))
    assert cluster.old() == "pod default late\n"


def test_a_mounted_secret_with_a_token_of_another_key_has_old_credentials(cluster: Cluster) -> None:
    cluster.answers(secrets=secret("default app", NEW.key.pem) + secret("default forgotten", OLD.key.pem))
    assert cluster.old() == "", "no pod mounts it"
    cluster.answers(pods=pod("new", "12:00:00", secret="app forgotten other"))
    assert cluster.old() == "Secret default forgotten\n"
    assert cluster.old("-") == ""
    cluster.answers(secrets="default forgotten \n")
    assert cluster.old() == "Secret default forgotten\n", "it has no token yet"
    cluster.answers(pods=pod("new", "12:00:00", secret="forgotten", phase="Failed"))
    assert cluster.old() == ""


def test_tokens_of_all_namespaces_are_signed_again_after_the_last_phase(cluster: Cluster) -> None:
    cluster.answers(secrets=secret("default a", OLD.key.pem), signed=secret("default a", NEW.key.pem))
    assert cluster.run(workloads.TOKENS, "sa.key", "check").returncode == 1
    assert cluster.run(workloads.TOKENS, "sa.key", "renew", options="-ec").returncode == 0
    assert "patch secret -n default a" in cluster.calls
    assert cluster.run(workloads.TOKENS, "sa.key", "check").returncode == 0


def test_restarts_of_another_rotation_do_not_count(cluster: Cluster) -> None:
    cluster.answers(noted="new-0123456789ABCDEF 2026-03-01T12:00:00Z")
    assert "were not restarted in this rotation" in cluster.old()


def test_tokens_are_signed_again_before_the_workloads_are_restarted_once(cluster: Cluster) -> None:
    lines = "kube-system|DaemonSet/kube-proxy||RollingUpdate\nkube-system|Deployment/coredns||\n"
    old = secret("kube-system a", OLD.key.pem) + secret("kube-system b", NEW.key.pem)
    cluster.answers(noted="", workloads=lines, secrets=old, signed=secret("kube-system a", NEW.key.pem))
    assert cluster.renew("check").returncode == 1
    result = cluster.renew("renew")
    assert result.returncode == 0, result.stderr
    patched, noted, *restarted = cluster.calls.splitlines()
    assert "patch secret -n kube-system a" in patched
    assert f"annotate namespace kube-system --overwrite haconsole/ca-rotation={cluster.mark} 20" in noted
    assert [line.split()[5] for line in restarted] == ["DaemonSet/kube-proxy", "Deployment/coredns"]
    assert all(f'"haconsole/ca-rotation":"{cluster.mark}"' in line for line in restarted)
    (cluster.folder / "calls").unlink()
    lines = lines.replace("||", f"|{cluster.mark}|")
    cluster.answers(noted=f"{cluster.mark} 2026-03-01T12:00:00Z", workloads=lines)
    assert cluster.renew("renew").returncode == 0
    assert cluster.calls == ""


def test_restarted_workloads_must_be_available(cluster: Cluster) -> None:
    line = f"kube-system|DaemonSet/kube-proxy|{cluster.mark}|"
    cluster.answers(workloads=f"{line}RollingUpdate\n")
    assert cluster.renew("check").returncode == 0
    cluster.answers(unavailable="")
    assert cluster.renew("check").returncode == 1
    assert cluster.renew("check", "ignore").returncode == 0
    cluster.answers(workloads=f"{line}OnDelete\n")
    assert cluster.renew("check").returncode == 0


def test_a_workload_that_is_not_available_stops_a_rotation_before_it_begins(cluster: Cluster) -> None:
    lines = "kube-system|DaemonSet/kube-proxy||RollingUpdate\nkube-system|Deployment/coredns||\n"
    cluster.answers(workloads=lines)
    assert cluster.run(workloads.AVAILABLE, "none.crt", "kube-system").returncode == 0
    cluster.answers(unavailable="")
    result = cluster.run(workloads.AVAILABLE, "none.crt", "kube-system")
    assert (result.returncode, result.stderr) == (
        1,
        "kube-system DaemonSet/kube-proxy\nkube-system Deployment/coredns\n",
    )
    assert cluster.run(workloads.AVAILABLE, "ca-next.crt", "kube-system").returncode == 0, "a rotation that has begun"
    cluster.answers(workloads="kube-system|DaemonSet/agent||OnDelete\n")
    assert cluster.run(workloads.AVAILABLE, "none.crt", "kube-system").returncode == 0


def test_a_long_list_ends_with_the_number_of_the_others(cluster: Cluster) -> None:
    listed = [f"late{number:02}" for number in range(23)]
    cluster.answers(pods="".join(pod(name, "11:59:59") for name in listed), unavailable="")
    assert cluster.old().splitlines() == [*(f"pod default {name}" for name in listed[:20]), "and 3 more"]
    cluster.answers(workloads="".join(f"default|Deployment/{name}||\n" for name in listed))
    lines = cluster.run(workloads.AVAILABLE, "none.crt", "all").stderr.splitlines()
    assert lines == [*(f"default Deployment/{name}" for name in listed[:20]), "and 3 more"]


@pytest.mark.parametrize(("scope", "option"), [("kube-system", "-nkube-system"), ("all", "-A")])
def test_the_scope_of_the_workloads(cluster: Cluster, scope: str, option: str) -> None:
    text = KUBECTL.replace("cat workloads", 'printf "%s\\n" "$*" >>queries; cat workloads')
    (cluster.folder / "kubectl").write_text(text)
    cluster.answers(workloads="")
    assert cluster.run(workloads.AVAILABLE, "none.crt", scope).returncode == 0
    assert cluster.renew("check", scope).returncode == 0
    queries = (cluster.folder / "queries").read_text().splitlines()
    assert len(queries) == 2
    assert all(f"daemonsets,deployments,statefulsets {option} -o" in line for line in queries)


def test_extension_api_servers_trust_only_the_cas_of_the_files(cluster: Cluster) -> None:
    (cluster.folder / "proxy.crt").write_bytes(PROXY.certificate)
    words = ("ca-next.crt", "proxy.crt")
    cluster.answers(client="")
    assert cluster.run(kubeadm.AUTHENTICATION, *words, "check").returncode == 0
    cluster.answers(client=(OLD.certificate + NEW.certificate).decode())
    assert cluster.run(kubeadm.AUTHENTICATION, *words, "check").returncode == 1
    assert cluster.run(kubeadm.AUTHENTICATION, *words, "set", options="-ec").returncode == 0
    value = NEW.certificate.decode().replace("\n", "\\n")
    assert f'"client-ca-file":"{value}"' in cluster.calls
