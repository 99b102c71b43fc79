"""etcd members on loopback, with or without TLS, quick to elect a leader."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from haconsole.inventory.schema import KeyAlgorithm
from haconsole.model.secret import Secret
from haconsole.pki.authority import Authority, make_authority
from haconsole.pki.keys import load_public_key, make_private_key
from haconsole.pki.leaf import Leaf, sign_leaf
from haconsole.transport.etcd_api import EtcdCredentials
from tests.programs.ports import free_ports

_READY = ("ready to serve client requests", "serving client traffic")


@dataclass(frozen=True, slots=True)
class Tls:
    """A CA, a server certificate for loopback in files, and a client's credentials in memory."""

    ca: Path
    cert: Path
    key: Path
    client: EtcdCredentials


@dataclass(frozen=True, slots=True)
class Member:
    """The start of one member; `scheme` is of its client URL."""

    name: str
    folder: Path
    client_port: int
    peer_port: int
    tls: Tls | None = None
    binary: str = "etcd"

    @property
    def client_url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.client_port}"

    @property
    def peer_url(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.client_port}"


def new_member(name: str, folder: Path, tls: Tls | None = None, binary: str = "etcd") -> Member:
    client_port, peer_port = free_ports(2)
    return Member(name, folder / name, client_port, peer_port, tls, binary)


class Process:
    """A member's process, whose log is read on so that it never blocks on it."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._popen = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._ready = threading.Event()
        self._log: deque[str] = deque(maxlen=20)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def await_ready(self) -> None:
        """Return when the member reports that it serves clients."""
        assert self._ready.wait(20), "".join(self._log)
        assert self._popen.poll() is None, "etcd ended: " + "".join(self._log)

    def freeze(self) -> None:
        """Freeze it, as a disk that hangs would."""
        self._popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._popen.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill it, as a host that loses power would."""
        self._popen.kill()
        self._popen.wait(10)
        self._reader.join()

    def _read(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr:
            for line in self._popen.stderr:
                self._log.append(line)
                if any(words in line for words in _READY):
                    self._ready.set()
        self._ready.set()


@contextmanager
def running(
    member: Member, others: tuple[Member, ...] = (), *, state: str = "new", flags: tuple[str, ...] = ()
) -> Iterator[Process]:
    """The member's process, serving clients; `others` are the rest of its initial cluster."""
    process = start(member, others, state=state, flags=flags)
    try:
        process.await_ready()
        yield process
    finally:
        process.stop()


def start(
    member: Member, others: tuple[Member, ...] = (), *, state: str = "new", flags: tuple[str, ...] = ()
) -> Process:
    """Start without waiting, as members of a new cluster must be."""
    return Process((*_arguments(member, others, state), *flags))


def make_tls(
    folder: Path,
    names: tuple[str, ...] = ("DNS:localhost", "IP:127.0.0.1"),
    organizations: tuple[str, ...] = (),
    usages: tuple[str, ...] = ("server", "client"),
) -> Tls:
    """Certificates of a new CA; the client's has `organizations`, the server's is for `usages`."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    authority = make_authority("etcd-ca", algorithm=KeyAlgorithm.ECDSA_P256, days=2, now=now)
    cert, key = _leaf(authority, Leaf("etcd", sans=names, usages=usages), now)
    files = (folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    for path, data in zip(files, (authority.certificate, cert, key), strict=True):
        path.write_bytes(data)
    client_cert, client_key = _leaf(authority, Leaf("client", organizations, usages=("client",)), now)
    return Tls(*files, EtcdCredentials(authority.certificate, client_cert, Secret(client_key.decode())))


def _leaf(authority: Authority, leaf: Leaf, now: datetime) -> tuple[bytes, bytes]:
    key = make_private_key(KeyAlgorithm.ECDSA_P256)
    return sign_leaf(authority, leaf, load_public_key(key.public_pem()), days=1, now=now), key.pem


def _arguments(member: Member, others: tuple[Member, ...], state: str) -> tuple[str, ...]:
    return (
        member.binary,
        f"--name={member.name}",
        f"--data-dir={member.folder}",
        f"--listen-client-urls={member.client_url}",
        f"--advertise-client-urls={member.client_url}",
        f"--listen-peer-urls={member.peer_url}",
        f"--initial-advertise-peer-urls={member.peer_url}",
        "--initial-cluster=" + ",".join(f"{one.name}={one.peer_url}" for one in (member, *others)),
        f"--initial-cluster-state={state}",
        "--heartbeat-interval=10",
        "--election-timeout=100",
        "--logger=zap",
        *_tls_arguments(member.tls),
    )


def _tls_arguments(tls: Tls | None) -> tuple[str, ...]:
    if tls is None:
        return ()
    return ("--client-cert-auth", f"--trusted-ca-file={tls.ca}", f"--cert-file={tls.cert}", f"--key-file={tls.key}")
