"""A kube-apiserver and a kube-scheduler on loopback, over an etcd of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from haconsole.pki.keys import make_token_keys
from haconsole.transport.kubeconfig import KubeCredentials
from tests.programs import etcd
from tests.programs.etcd import Member, Process, Tls, make_tls, new_member
from tests.programs.ports import free_ports


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Running programs and an administrator's credentials; the scheduler renews its 4 s lock each second."""

    etcd: Process
    member: Member
    apiserver: subprocess.Popen[bytes]
    api_port: int
    credentials: KubeCredentials

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.api_port}"


@contextmanager
def running(binaries: Path, folder: Path) -> Iterator[ControlPlane]:
    """Started, but not waited for; `binaries` is a folder with the programs."""
    tls = make_tls(folder / "tls", ("DNS:kubernetes", "IP:127.0.0.1"), ("system:masters",))
    member = new_member("m1", folder)
    api_port, scheduler_port = free_ports(2)
    patient = ("--heartbeat-interval=100", "--election-timeout=1000")
    with ExitStack() as running, (folder / "log").open("wb") as log:
        store = running.enter_context(etcd.running(member, flags=patient))
        running.callback(store.thaw)
        apiserver = _started(running, log, _apiserver(binaries, tls, member, folder, api_port))
        kubeconfig = _kubeconfig(folder / "scheduler.conf", tls, api_port)
        _started(running, log, _scheduler(binaries, kubeconfig, scheduler_port))
        credentials = KubeCredentials(tls.client.ca, tls.client.cert, tls.client.key)
        yield ControlPlane(store, member, apiserver, api_port, credentials)


def _started(running: ExitStack, log: object, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(arguments, stdout=log, stderr=log)  # type: ignore[call-overload]
    running.callback(process.wait, 10)
    running.callback(process.kill)
    return process  # type: ignore[no-any-return]


def _apiserver(binaries: Path, tls: Tls, member: Member, folder: Path, port: int) -> tuple[str, ...]:
    pair = make_token_keys()
    public, private = folder / "sa.pub", folder / "sa.key"
    public.write_bytes(pair.public)
    private.write_bytes(pair.private.pem)
    return (
        str(binaries / "kube-apiserver"),
        f"--etcd-servers={member.client_url}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        f"--tls-cert-file={tls.cert}",
        f"--tls-private-key-file={tls.key}",
        f"--client-ca-file={tls.ca}",
        f"--service-account-key-file={public}",
        f"--service-account-signing-key-file={private}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.254.0.0/16",
        "--authorization-mode=RBAC",
        "--feature-gates=APIServerIdentity=true",
    )


def _scheduler(binaries: Path, kubeconfig: Path, port: int) -> tuple[str, ...]:
    return (
        str(binaries / "kube-scheduler"),
        f"--kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--port=0",
        "--leader-elect-lease-duration=4s",
        "--leader-elect-renew-deadline=3s",
        "--leader-elect-retry-period=1s",
    )


def _kubeconfig(path: Path, tls: Tls, port: int) -> Path:
    """The administrator's, with the key in a file of the test's own folder."""
    cert, key = path.with_suffix(".crt"), path.with_suffix(".key")
    assert tls.client.cert is not None
    assert tls.client.key is not None
    cert.write_bytes(tls.client.cert)
    key.write_text(tls.client.key.reveal())
    parts = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(tls.ca)}}
        ],
        "users": [{"name": "u", "user": {"client-certificate": str(cert), "client-key": str(key)}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(parts))
    return path
