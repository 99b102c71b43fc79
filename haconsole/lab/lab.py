"""A lab as a whole: up, down, status, and a command on a host."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from haconsole.lab import cgroups, network, state
from haconsole.lab.errors import LabError
from haconsole.lab.host import LabHost
from haconsole.lab.identity import KNOWN_HOSTS, known_host, make_secrets
from haconsole.lab.inventory_file import INVENTORY, inventory_text
from haconsole.lab.machine import check_root
from haconsole.lab.places import Places
from haconsole.lab.prepare import prepare
from haconsole.lab.progress import Progress, Silent
from haconsole.lab.spec import DEFAULT_NAME, LabSpec, check_name, check_size

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a lab is asked to be; None means whatever it is, or the usual when it is made now.

    `kubernetes_bin` is a folder with Kubernetes programs to take instead of a release or a build.
    """

    hosts: int | None = None
    workers: int | None = None
    bastion: bool | None = None
    kubernetes: bool = True
    kubernetes_bin: Path | None = None

    def spec(self, name: str, subnet: int, layers: tuple[str, ...]) -> LabSpec:
        """The shape of a lab made now."""
        hosts = 3 if self.hosts is None else self.hosts
        return LabSpec(name, subnet, hosts, self.workers or 0, bool(self.bastion), layers)

    def check(self, there: LabSpec) -> None:
        """Raise LabError unless a lab that is there has this shape."""
        asked = (self.hosts, self.workers, self.bastion)
        has = (there.control_planes, there.workers, there.bastion)
        if any(one is not None and one != other for one, other in zip(asked, has, strict=True)):
            what = f"{has[0]} control planes, {has[1]} workers and {'a' if has[2] else 'no'} bastion"
            mend = f"take it down first (`haconsole lab down --name {there.name}`), or take another name"
            raise LabError(f"lab `{there.name}` is there with {what}", mend=mend)


ANY_SHAPE = Shape()


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

    def inventory(self) -> Path:
        """The inventory's path; raises LabError when there is no such lab."""
        assert self.spec.hosts
        return self.inventory_path

    @property
    def spec(self) -> LabSpec:
        """The lab's shape; raises LabError when there is no such lab."""
        spec = state.load(self.folder)
        if spec is None:
            raise LabError(f"there is no lab `{self.name}`", mend=f"`haconsole lab up --name {self.name}` makes it")
        return spec

    def up(self, shape: Shape = ANY_SHAPE, progress: Progress | None = None) -> bool:
        """Have the lab up and whole, preparing the machine where needed; True when something had to be done.

        A lab that is there keeps its shape, its keys and its disks; LabError when another shape is asked for. A first
        `up` that fails or is interrupted leaves nothing.
        """
        progress = progress or Silent()
        check_root()
        with state.locked(self.places.state, self.name):
            there = state.load(self.folder)
            if there is not None:
                shape.check(there)
                return self._mend(there, progress)
            layers = prepare(self.places, progress, kubernetes=shape.kubernetes, source=shape.kubernetes_bin)
            try:
                return self._mend(self._claim(shape, layers), progress)
            except BaseException:
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

    def _mend(self, spec: LabSpec, progress: Progress) -> bool:
        progress.stage(f"booting {len(spec.hosts)} hosts")
        changed = False
        if not network.switch_stands(spec):
            network.make_switch(spec)
            changed = True
        make_secrets(self.folder)
        hosts = self._hosts(spec)
        changed |= any(_side_by_side(_mend, hosts))
        known = "".join(f"{known_host(host.host, host.root)}\n" for host in hosts)
        changed |= _put(self.folder / KNOWN_HOSTS, known)
        changed |= _put(self.inventory_path, inventory_text(spec, self.folder))
        progress.done()
        return changed

    def _claim(self, shape: Shape, layers: tuple[Path, ...]) -> LabSpec:
        """Record the lab, with a subnet that nothing on this machine uses."""
        preferred = 0 if self.name == DEFAULT_NAME else 1
        with state.locked(self.places.state, "subnets"):
            taken = network.subnets_in_use() | {spec.subnet for spec in state.recorded(self.places.state)}
            spec = shape.spec(self.name, network.free_subnet(preferred, taken), tuple(map(str, layers)))
            check_size(spec.control_planes, spec.workers)
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
        return tuple(LabHost(spec, host, self.folder) for host in spec.hosts)

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
