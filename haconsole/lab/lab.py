"""A lab as a whole: up, down, status, and a command on a host."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from haconsole.lab import cgroups, network, rootfs, state
from haconsole.lab.errors import LabError
from haconsole.lab.host import LabHost
from haconsole.lab.identity import KNOWN_HOSTS, known_host, make_secrets
from haconsole.lab.inventory_file import INVENTORY, inventory_text
from haconsole.lab.places import Places
from haconsole.lab.progress import Progress, Silent
from haconsole.lab.spec import DEFAULT_NAME, LabSpec, check_name, check_size

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host as it is now. `pid` is its process 1 as the machine numbers it, None while it is off."""

    name: str
    address: str
    running: bool
    reachable: bool
    pid: int | None


class Lab:
    """A lab by its name, whether it is up or not. Every call blocks, with deadlines."""

    def __init__(self, name: str = DEFAULT_NAME, *, places: Places | None = None) -> None:
        self.name = check_name(name)
        self.places = places or Places.of()
        self.folder = self.places.lab(name)

    @property
    def inventory_path(self) -> Path:
        return self.folder / INVENTORY

    @property
    def spec(self) -> LabSpec:
        """The lab's shape; raises LabError when there is no such lab."""
        spec = state.load(self.folder)
        if spec is None:
            raise LabError(f"there is no lab `{self.name}`", mend=f"`haconsole lab up --name {self.name}` makes it")
        return spec

    def up(self, wanted: LabSpec, progress: Progress | None = None) -> bool:
        """Have the lab up and whole; True when something had to be done. `wanted`'s subnet is a preference."""
        progress = progress or Silent()
        check_size(wanted.control_planes, wanted.workers)
        with state.locked(self.places.state, self.name):
            fresh = state.load(self.folder) is None
            try:
                return self._up(wanted, progress)
            except BaseException:
                if fresh:
                    self._down()
                raise

    def down(self) -> bool:
        """Leave nothing of the lab; True when there was something."""
        with state.locked(self.places.state, self.name):
            return self._down()

    def status(self) -> tuple[HostStatus, ...]:
        """Every host as it is now."""
        spec = self.spec
        return _side_by_side(self._status_of, self._hosts(spec))

    def host(self, name: str) -> LabHost:
        """One host, for drills; raises LabError when the lab has none of that name."""
        spec = self.spec
        spec.host(name)
        return next(host for host in self._hosts(spec) if host.name == name)

    def command(self, host: str, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The command line on this machine that runs `argv` as root inside a host."""
        pid = self.host(host).init_pid()
        if pid is None:
            raise LabError(f"{host} is off", mend=f"`haconsole lab up --name {self.name}` boots it")
        return ("nsenter", "--target", str(pid), "--all", "--wd=/", *argv)

    def exec(self, host: str, *argv: str, deadline_s: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run `argv` as root inside a host and return what came of it, whatever its exit status."""
        from haconsole.lab.commands import attempt

        return attempt(self.command(host, argv), deadline_s=deadline_s)

    def crash(self, host: str) -> None:
        """Cut a host's power; its disk keeps what was written."""
        self.host(host).power_off()

    def boot(self, host: str) -> None:
        """Boot a host that is off, and wait for its sshd."""
        self.host(host).boot()

    def _up(self, wanted: LabSpec, progress: Progress) -> bool:
        spec = self._claim(wanted)
        changed = False
        if not network.switch_stands(spec):
            network.make_switch(spec)
            changed = True
        hosts = self._hosts(spec)
        make_secrets(self.folder)
        changed |= any(_side_by_side(_mend, hosts))
        known = "".join(f"{known_host(host.host, host.root)}\n" for host in hosts)
        changed |= _put(self.folder / KNOWN_HOSTS, known)
        changed |= _put(self.inventory_path, inventory_text(spec, self.folder))
        progress.done()
        return changed

    def _claim(self, wanted: LabSpec) -> LabSpec:
        """The lab's record, made now with a subnet of its own if there is none yet."""
        there = state.load(self.folder)
        if there is not None:
            return there
        with state.locked(self.places.state, "subnets"):
            taken = network.subnets_in_use() | {spec.subnet for spec in state.recorded(self.places.state)}
            spec = replace(wanted, name=self.name, subnet=network.free_subnet(wanted.subnet, taken))
            state.save(self.folder, spec)
        return spec

    def _down(self) -> bool:
        spec = state.load(self.folder)
        if spec is not None:
            _side_by_side(LabHost.remove, self._hosts(spec))
            network.remove_switch(spec)
            cgroups.remove_lab(spec.name)
        there = self.folder.exists()
        shutil.rmtree(self.folder, ignore_errors=True)
        return there

    def _hosts(self, spec: LabSpec) -> tuple[LabHost, ...]:
        base = rootfs.base_folder(self.places.cache)
        lower = (Path(spec.binaries), base) if spec.binaries else (base,)
        return tuple(LabHost(spec, host, self.folder, lower) for host in spec.hosts)

    @staticmethod
    def _status_of(host: LabHost) -> HostStatus:
        pid = host.init_pid()
        return HostStatus(host.name, host.host.address, pid is not None, pid is not None and host.answers(), pid)


def _mend(host: LabHost) -> bool:
    """Boot what is not whole or does not answer; True when something had to be done."""
    if host.is_whole() and host.answers(within_s=3.0):
        return False
    if not host.is_mounted() or host.init_pid() is None:
        host.remove()
    host.boot()
    return True


def _put(path: Path, text: str) -> bool:
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    path.chmod(0o600)
    return True


def _side_by_side(work: Callable[[LabHost], T], hosts: Iterable[LabHost]) -> tuple[T, ...]:
    """Work on every host at once; all are finished when this returns or raises the first failure."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        return tuple(pool.map(work, hosts))
