"""The unique parts of a host: its name, machine id, SSH host key, and the logins' keys and password."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path

from haconsole.lab.commands import run
from haconsole.lab.kubeadm_files import cni_network
from haconsole.lab.spec import LOGIN, PASSWORD_LOGIN, HostSpec, LabSpec

KEY = "key"
KNOWN_HOSTS = "known_hosts"
PASSWORD = "opspw.password"
_HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


def make_secrets(folder: Path) -> None:
    """Have the lab's SSH key and the password of its password login in `folder`, readable by the owner only."""
    if not (folder / KEY).exists():
        run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "haconsole lab", "-f", str(folder / KEY)))
    if not (folder / PASSWORD).exists():
        _write_private(folder / PASSWORD, secrets.token_urlsafe(18) + "\n")


def give_identity(spec: LabSpec, host: HostSpec, folder: Path, root: Path) -> None:
    """Write a host's identity into its root file system, once; a host that has a key keeps all of it."""
    if (root / _HOST_KEY).exists():
        return
    _put(root / "etc/hostname", f"{host.name}\n")
    _put(root / "etc/machine-id", f"{spec.machine_id(host.name)}\n", mode=0o444)
    _put(root / "etc/hosts", hosts_file(spec))
    if spec.kubeadm:
        (root / "etc/cni/net.d").mkdir(parents=True, exist_ok=True)
        _put(root / "etc/cni/net.d/10-pods.conflist", cni_network(spec.pod_subnet(host)))
    public_key = (folder / f"{KEY}.pub").read_text()
    for login in (LOGIN, PASSWORD_LOGIN):
        _authorize(root, login, public_key)
    password = (folder / PASSWORD).read_text().strip()
    run(("chroot", str(root), "chpasswd"), stdin=f"{PASSWORD_LOGIN}:{password}\n")
    run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host.name, "-f", str(root / _HOST_KEY)))


def hosts_file(spec: LabSpec) -> str:
    """The /etc/hosts that every host of the lab has."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [f"{host.address} {host.name}" for host in spec.hosts]
    return "\n".join(lines) + "\n"


def known_host(host: HostSpec, root: Path) -> str:
    """The line of known_hosts that vouches for the host under its address and its name."""
    kind, key, *_ = (root / f"{_HOST_KEY}.pub").read_text().split()
    return f"{host.address},{host.name} {kind} {key}"


def _authorize(root: Path, login: str, public_key: str) -> None:
    uid, gid = _ids(root, login)
    folder = root / "home" / login / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    _put(folder / "authorized_keys", public_key, mode=0o600)
    for path in (folder, folder / "authorized_keys"):
        os.chown(path, uid, gid)


def _ids(root: Path, login: str) -> tuple[int, int]:
    match = re.search(rf"^{login}:[^:]*:(\d+):(\d+):", (root / "etc/passwd").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1]), int(match[2])


def _put(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def erase(folder: Path) -> None:
    """Remove a folder with secrets and all else in it."""
    shutil.rmtree(folder, ignore_errors=True)
