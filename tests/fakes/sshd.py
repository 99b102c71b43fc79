"""A real sshd on a free loopback port, with keys of its own, for as long as a test needs it."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from haconsole.inventory.schema import Host, Inventory, Ssh, Sudo
from haconsole.model.hosts import Role
from haconsole.model.names import HostName

CP1, CP2 = HostName("cp1"), HostName("cp2")
SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {host_key}
PidFile none
AuthorizedKeysFile {authorized}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
AcceptEnv *
PrintMotd no
LogLevel VERBOSE
SetEnv HOME={home}
{extra}
"""


@dataclass
class Sshd:
    """A running server: where it listens, its keys and files, and its process."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def user_key(self) -> Path:
        return self.folder / "user"

    @property
    def host_key(self) -> Path:
        return self.folder / "host"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def logins(self) -> int:
        """Number of connections that have logged in so far."""
        return self.log.count("Accepted publickey")

    def ssh(self, **changes: object) -> Ssh:
        """The inventory's `ssh` that reaches this server and reads no ssh_config."""
        message: dict[str, object] = {
            "user": self.user,
            "port": self.port,
            "identity_file": str(self.user_key),
            "known_hosts": str(self.known_hosts),
            "config": "/dev/null",
            "sudo": Sudo.NONE,
            "connect_timeout_s": 5.0,
        }
        return Ssh(**{**message, **changes})  # type: ignore[arg-type]

    def sessions(self) -> list[int]:
        """The processes that serve one connection each."""
        return _children(self.process.pid)

    def drop_connections(self) -> None:
        """Kill every connection's process, as a crash or a reboot would."""
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the server and what it serves."""
        self.process.terminate()
        self.process.wait(10)
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def inventory_of(servers: dict[str, Sshd], **changes: object) -> Inventory:
    """An inventory whose hosts are these servers, by name."""
    return Inventory(
        cluster="test",
        hosts=tuple(
            Host(name=name, address="127.0.0.1", roles=(Role.ETCD,), ssh=server.ssh(**changes))
            for name, server in servers.items()
        ),
    )


@contextmanager
def running_sshd(folder: Path, extra: str = "") -> Iterator[Sshd]:
    """Start a server whose only login is the user of this process; `extra` are lines of sshd_config(5)."""
    assert SSHD, "these tests need sshd: install openssh-server"
    folder.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name, text in _keys().items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    if not (folder / "host").exists():
        make_key(folder / "host")
    port = free_port()
    config = folder / "sshd_config"
    config.write_text(
        CONFIG.format(
            port=port, host_key=folder / "host", authorized=folder / "authorized_keys", home=folder, extra=extra
        )
    )
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    server = Sshd(folder, port, process)
    server.known_hosts.write_text(known_line(port, folder / "host"))
    try:
        _wait_for(server)
        yield server
    finally:
        server.stop()


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path], check=True)


def known_line(port: int, host_key: Path) -> str:
    return f"[127.0.0.1]:{port} {host_key.with_name(host_key.name + '.pub').read_text()}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def _keys() -> dict[str, str]:
    """One pair of keys for all servers of a run: making them takes longer than starting sshd."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        make_key(Path(place, "user"))
        pair = {name: Path(place, name).read_text() for name in ("user", "user.pub")}
    return {**pair, "authorized_keys": pair["user.pub"]}


def _wait_for(server: Sshd) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1) as answer:
            if answer.recv(4) == b"SSH-":
                return
        time.sleep(0.005)
    raise AssertionError(f"sshd did not come up: {server.log}")


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def one_host(ssh: Ssh, address: str = "127.0.0.1", name: str = "cp1") -> Inventory:
    return Inventory(cluster="test", hosts=(Host(name=name, address=address, roles=(Role.ETCD,), ssh=ssh),))


def ssh_config_file(tmp_path: Path, text: str) -> str:
    (tmp_path / "config").write_text(text)
    return str(tmp_path / "config")
