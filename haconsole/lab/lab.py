"""A lab: up, down, status, commands on its hosts, and the faults that drills need."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

from haconsole.lab import cgroups, network, nspawn_leftovers, outages, state
from haconsole.lab.commands import attempt
from haconsole.lab.errors import LabError
from haconsole.lab.host import LabHost
from haconsole.lab.inventory_file import INVENTORY
from haconsole.lab.machine import HOST_NEEDS, check_room, check_root, meet
from haconsole.lab.making import claim, claim_again, hosts_of, make_whole, side_by_side
from haconsole.lab.places import Places
from haconsole.lab.prepare import prepare
from haconsole.lab.progress import Progress, Silent
from haconsole.lab.rootfs import unmount
from haconsole.lab.saved import fill_from_saved, read_saved, saved_folder, write_saved
from haconsole.lab.shape import ANY_SHAPE, LabShape
from haconsole.lab.spec import DEFAULT_NAME, LabSpec, check_name

_ROOM_MIB = 1024
_ROOT_ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "USER=root",
    "LANG=C.UTF-8",
)


class HostStatus(msgspec.Struct, frozen=True):
    """One host as it is now. `pid` is its process 1 as the machine numbers it, None while it is off."""

    name: str
    address: str
    running: bool
    reachable: bool
    pid: int | None


class Lab:
    """A lab by its name, whether it is up or not. Every call blocks, with deadlines; hosts are given by name."""

    def __init__(self, name: str = DEFAULT_NAME, *, places: Places | None = None) -> None:
        self.name = check_name(name)
        self.places = places or Places.of()
        self.folder = self.places.lab(name)

    @property
    def inventory_path(self) -> Path:
        """Where the lab's inventory is while the lab is up."""
        return self.folder / INVENTORY

    @property
    def spec(self) -> LabSpec:
        """The lab's shape; raises LabError when there is no such lab, or this is not root and cannot know."""
        check_root()
        spec = state.load(self.folder)
        if spec is None:
            raise self._absent()
        return spec

    def read_inventory(self) -> str:
        """The text of the lab's inventory; raises LabError when there is no such lab."""
        check_root()
        try:
            return self.inventory_path.read_text()
        except FileNotFoundError:
            raise self._absent() from None

    def up(self, shape: LabShape = ANY_SHAPE, progress: Progress | None = None) -> bool:
        """Bring the lab up completely, preparing the machine if needed; True when something had to be done.

        An existing lab keeps its shape, its keys and its disks; LabError when another shape is requested. A first `up`
        that fails or is interrupted leaves nothing.
        """
        progress = progress or Silent()
        check_root()
        with state.locked(self.places.state, self.name):
            there = state.load(self.folder)
            if there is not None:
                shape.check(there)
                return self._make_whole(there, progress)
            ground = prepare(self.places, progress, shape)
            check_room(self.places.state, _ROOM_MIB, "a lab")
            try:
                return self._make_whole(claim(self.places, self.name, shape, ground), progress)
            except BaseException:
                sweep(self.name, self.folder)
                raise

    def save(self, saved: str, progress: Progress | None = None, *, boot: bool = True) -> Path:
        """Keep the lab as it is under a name or in a folder; returns the folder.

        Hosts lose power for it; those that ran boot again, unless `boot` is False.
        """
        progress = progress or Silent()
        spec, folder = self.spec, saved_folder(self.places, saved)
        with state.locked(self.places.state, self.name):
            progress.stage(f"saving {len(spec.hosts)} hosts")
            hosts = hosts_of(spec, self.folder)
            running = tuple(host for host in hosts if host.init_pid() is not None)
            side_by_side(LabHost.power_off, hosts)
            try:
                write_saved(spec, self.folder, folder, hosts, side_by_side)
            finally:
                side_by_side(LabHost.boot, running if boot else ())
            progress.finish()
        return folder

    def up_from(self, saved: str, progress: Progress | None = None) -> None:
        """Bring the lab up as a saved one was; raises LabError when the lab exists, or its subnet is in use."""
        progress = progress or Silent()
        check_root()
        folder = saved_folder(self.places, saved)
        with state.locked(self.places.state, self.name):
            if state.load(self.folder) is not None:
                raise LabError(f"lab `{self.name}` exists", hint=f"run `haconsole lab down --name {self.name}` first")
            meet(HOST_NEEDS, progress)
            spec = read_saved(folder, self.name)
            claim_again(self.places, spec)
            try:
                progress.stage("copying the saved disks")
                fill_from_saved(spec, folder, self.folder, hosts_of(spec, self.folder), side_by_side)
                self._make_whole(spec, progress)
            except BaseException:
                sweep(self.name, self.folder)
                raise

    def down(self) -> bool:
        """Leave nothing of the lab; True when there was something."""
        check_root()
        with state.locked(self.places.state, self.name):
            return sweep(self.name, self.folder)

    def status(self) -> tuple[HostStatus, ...]:
        """Every host as it is now."""
        return side_by_side(_status_of, hosts_of(self.spec, self.folder))

    def host(self, name: str) -> LabHost:
        """One host; raises LabError when the lab has none of that name."""
        spec = self.spec
        return LabHost(spec, spec.host(name), self.folder)

    def command(self, host: str, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The command line on this machine that runs `argv` as root inside a host."""
        pid = self.host(host).init_pid()
        if pid is None:
            raise LabError(f"{host} is off", hint=f"`haconsole lab up --name {self.name}` boots it")
        environment = (*_ROOT_ENVIRONMENT, f"TERM={os.environ.get('TERM', 'dumb')}")
        return ("nsenter", "--target", str(pid), "--all", "--wd", "env", "-i", *environment, *argv)

    def exec(self, host: str, *argv: str, deadline_s: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run `argv` as root inside a host and return the result, whatever its exit status."""
        return attempt(self.command(host, argv), deadline_s=deadline_s)

    def crash(self, host: str) -> None:
        """Cut a host's power; its disk keeps what was written."""
        self.host(host).power_off()

    def boot(self, host: str) -> None:
        """Boot a host that is off, and wait for its sshd."""
        self.host(host).boot()

    def cut(self, host: str, *others: str) -> None:
        """Let nothing pass between a host and the `others`, or anybody, this machine too, when none is named."""
        outages.add_cut(self.spec, host, others)

    def mute_vrrp(self, *hosts: str) -> None:
        """Drop the VRRP adverts of these hosts and nothing else."""
        outages.add_mute(self.spec, hosts)

    def reconnect(self, *hosts: str) -> None:
        """End every network outage that these hosts are part of, or all of them when none is named."""
        outages.end(self.spec, hosts)

    def _absent(self) -> LabError:
        return LabError(f"there is no lab `{self.name}`", hint=f"`haconsole lab up --name {self.name}` makes it")

    def _make_whole(self, spec: LabSpec, progress: Progress) -> bool:
        progress.stage(f"booting {len(spec.hosts)} hosts")
        try:
            changed = make_whole(spec, self.folder)
        except OSError as error:
            raise LabError(f"lab `{self.name}` cannot be completed: {error}") from error
        progress.finish()
        return changed


def _status_of(host: LabHost) -> HostStatus:
    pid = host.init_pid()
    return HostStatus(host.name, host.host.address, pid is not None, pid is not None and host.answers(), pid)


def sweep(lab: str, folder: Path) -> bool:
    """Remove processes, control groups, namespaces, links, mounts and the folder of a lab; True if there were any.

    Needs no record of the lab, so a damaged or half-made one goes as well. Raises LabError naming what stays.
    """
    if not remains(lab, folder):
        return False
    network.unplug_machine(lab)
    for group in cgroups.groups_of(lab):
        group.kill()
        group.remove()
    cgroups.remove_lab(lab)
    network.remove_namespaces(lab)
    for host in _hosts(folder):
        nspawn_leftovers.remove(lab, host.name, host / "root")
    for place in mounts_below(folder):
        unmount(place)
    shutil.rmtree(folder, ignore_errors=True)
    if leftovers := remains(lab, folder):
        raise LabError(f"these parts of lab `{lab}` cannot be removed: {', '.join(leftovers)}")
    return True


def remains(lab: str, folder: Path) -> tuple[str, ...]:
    """Everything of a lab that is on this machine now, as text."""
    return (
        *(f"process {pid}" for group in cgroups.groups_of(lab) for pid in sorted(group.processes())),
        *(f"control group {path}" for path in cgroups.remains(lab)),
        *(f"network {name}" for name in network.remains(lab)),
        *(f"mount {path}" for path in mounts_below(folder)),
        *((f"folder {folder}",) if folder.exists() else ()),
    )


def mounts_below(folder: Path) -> tuple[Path, ...]:
    """Mount points at or below `folder`, the deepest first; see proc(5) for the octal escapes."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    places = (Path(line.split()[1].encode().decode("unicode_escape")) for line in lines)
    below = (place for place in places if place == folder or folder in place.parents)
    return tuple(sorted(below, key=lambda place: len(place.parts), reverse=True))


def _hosts(folder: Path) -> tuple[Path, ...]:
    hosts = folder / "hosts"
    return tuple(hosts.iterdir()) if hosts.is_dir() else ()
