"""One host: its overlay, namespace and control group put together and booted by systemd-nspawn(1), and taken apart."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

from haconsole.lab import disks, network, nspawn_leftovers, rootfs
from haconsole.lab.cgroups import HostGroup
from haconsole.lab.errors import LabError
from haconsole.lab.identity import give_identity
from haconsole.lab.spec import HostSpec, LabSpec

BOOT_DEADLINE_S = 60.0
_SSH_PORT = 22
_CLONE_NEWNET = 0x40000000
_ENTER_GROUPS = 'for tasks in $GROUPS_OF_HOST; do echo $$ >"$tasks" || exit 70; done; unset GROUPS_OF_HOST; exec "$@"'


class LabHost:
    """A host of a lab on this machine. Calls block, with deadlines; several hosts may be worked on side by side."""

    def __init__(self, spec: LabSpec, host: HostSpec, folder: Path) -> None:
        self.spec = spec
        self.host = host
        self.name = host.name
        self.folder = folder / "hosts" / host.name
        self._lab_folder = folder
        self._group = HostGroup.here(spec.name, host.name)

    @property
    def root(self) -> Path:
        """Where the host's root file system is mounted on the machine."""
        return self.folder / "root"

    def furnish(self) -> None:
        """Mount the overlay, write the host's identity into it, and make the folders that lie outside it."""
        rootfs.mount_overlay(tuple(map(Path, self.spec.layers)), self.folder)
        give_identity(self.spec, self.host, self._lab_folder, self.root)
        if self.spec.kubeadm:
            disks.make_bound_folders(self.folder, Path(self.spec.images))

    def init_pid(self) -> int | None:
        """The machine's process id of the host's own process 1, None while it is off."""
        depth = len(_nested_ids(os.getpid()))
        for pid in self._group.processes():
            ids = _nested_ids(pid)
            if len(ids) == depth + 1 and ids[-1] == 1:
                return pid
        return None

    def is_whole(self) -> bool:
        """Running, mounted and plugged in."""
        return self.init_pid() is not None and self.is_mounted() and self.is_plugged_in()

    def is_mounted(self) -> bool:
        return rootfs.is_mounted(self.root)

    def is_plugged_in(self) -> bool:
        """The network namespace is there, and so are its cables and addresses."""
        return network.cable_stands(self.spec, self.host)

    def boot(self) -> None:
        """Start the host unless it runs, and wait until its sshd answers; raises LabError with its console's end."""
        if not self.is_plugged_in():
            network.plug(self.spec, self.host)
        if self.init_pid() is None:
            self._group.kill()
            self.furnish()
            self._group.make()
            self._start()
        self._wait_for_sshd()

    def answers(self, *, within_s: float = 1.0) -> bool:
        """The sshd answers with its banner, checked from within the host's own network."""
        try:
            with _dial(self.spec.namespace(self.name), self.host.address, within_s) as connection:
                return connection.recv(4).startswith(b"SSH-")
        except OSError:
            return False

    def power_off(self) -> None:
        """Cut the power: the cable first, so that nothing of the host is heard any more, then every process."""
        network.unplug(self.spec, self.host)
        self._group.kill()
        self._group.remove()
        nspawn_leftovers.remove(self.spec.name, self.name, self.root)

    def _start(self) -> None:
        tasks = " ".join(str(folder / "cgroup.procs") for folder in self._group.folders)
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
            "GROUPS_OF_HOST": tasks,
        }
        argv = ("setsid", "--fork", "sh", "-c", _ENTER_GROUPS, "sh", *self._nspawn())
        with (self.folder / "console.log").open("wb") as console:
            subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=environment, timeout=10)

    def _nspawn(self) -> tuple[str, ...]:
        return (
            "systemd-nspawn",
            "--quiet",
            f"--directory={self.root}",
            f"--machine={nspawn_leftovers.machine_name(self.spec.name, self.name)}",
            f"--hostname={self.name}",
            "--boot",
            "--register=no",
            "--keep-unit",
            *(self._kubeadm_options() if self.spec.kubeadm else ("--capability=CAP_NET_ADMIN,CAP_NET_RAW",)),
            f"--network-namespace-path=/run/netns/{self.spec.namespace(self.name)}",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=pipe",
        )

    def _kubeadm_options(self) -> tuple[str, ...]:
        """Additional needs of kubelet: system calls, the kernel's log, its own folders."""
        binds = (f"--bind={folder}:{place}" for folder, place in disks.bound_folders(self.folder).items())
        return (
            "--capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYSLOG",
            "--system-call-filter=@keyring bpf @privileged @mount",
            "--bind=/dev/kmsg",
            *binds,
        )

    def _wait_for_sshd(self) -> None:
        end = time.monotonic() + BOOT_DEADLINE_S
        started = time.monotonic()
        while not self.answers():
            now = time.monotonic()
            if now > end or (now - started > 3 and self.init_pid() is None):
                raise LabError(f"{self.name} did not boot as far as sshd: {self._console_end()}")
            time.sleep(0.1)

    def _console_end(self) -> str:
        try:
            lines = (self.folder / "console.log").read_text(errors="replace").split("\n")
        except OSError:
            return "it has no console output"
        return " | ".join(line.strip() for line in lines[-6:] if line.strip()) or "its console is empty"


def _nested_ids(pid: int) -> tuple[int, ...]:
    """A process's ids in each process namespace it is in, the outermost first; empty when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ()
    line = next((line for line in status.splitlines() if line.startswith("NSpid:")), "NSpid:")
    return tuple(int(word) for word in line.split()[1:])


def _dial(namespace: str, address: str, within_s: float) -> socket.socket:
    """A TCP connection to `address` port 22 made from inside a network namespace (setns(2), for one thread only)."""
    results: list[socket.socket | OSError] = []

    def enter_and_open() -> None:
        try:
            with Path(f"/run/netns/{namespace}").open() as place:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(place.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"cannot enter the network namespace {namespace}")
            results.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        except OSError as error:
            results.append(error)

    thread = threading.Thread(target=enter_and_open)
    thread.start()
    thread.join()
    connection = results[0]
    if isinstance(connection, OSError):
        raise connection
    try:
        connection.settimeout(within_s)
        connection.connect((address, _SSH_PORT))
    except OSError:
        connection.close()
        raise
    return connection
