"""Creating a lab, and repairing one: the same procedure, which only does what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from haconsole.lab import kubernetes_binaries, network, outages, state
from haconsole.lab.errors import LabError
from haconsole.lab.host import LabHost
from haconsole.lab.identity import KNOWN_HOSTS, known_host, make_secrets
from haconsole.lab.inventory_file import INVENTORY, inventory_text
from haconsole.lab.machine import check_inotify
from haconsole.lab.places import Places
from haconsole.lab.shape import LabGround, LabShape
from haconsole.lab.spec import DEFAULT_NAME, LabSpec

T = TypeVar("T")


def claim(places: Places, name: str, shape: LabShape, ground: LabGround) -> LabSpec:
    """Record a new lab, with a subnet that nothing on this machine uses; that of a saved lab stays free for it."""
    with state.locked(places.state, "subnets"):
        subnets = network.subnets_in_use() | {spec.subnet for spec in state.recorded(places.state)}
        saved = frozenset(spec.subnet for spec in state.recorded(places.cache / "saved"))
        subnet = network.free_subnet(0 if name == DEFAULT_NAME else 1, subnets, saved)
        spec = shape.spec(name, subnet, ground)
        state.save(places.lab(name), spec)
    return spec


def claim_again(places: Places, spec: LabSpec) -> None:
    """Record a lab that must have the subnet it has; raises LabError where something on this machine uses it."""
    with state.locked(places.state, "subnets"):
        if spec.subnet in network.subnets_in_use() | {each.subnet for each in state.recorded(places.state)}:
            hint = "remove the lab that uses this network: the saved cluster's certificates contain its addresses"
            raise LabError(f"10.99.{spec.subnet}.0/24 is in use on this machine", hint=hint)
        state.save(places.lab(spec.name), spec)


def make_whole(spec: LabSpec, folder: Path) -> bool:
    """Have the network, every host and the lab's files as they should be; True when something had to be done."""
    changed = _mend_network(spec)
    make_secrets(folder)
    hosts = hosts_of(spec, folder)
    if off := sum(host.init_pid() is None for host in hosts):
        check_inotify(off)
    changed |= any(side_by_side(_mend_host, hosts))
    known = "".join(f"{known_host(host.host, host.root)}\n" for host in hosts)
    changed |= _put(folder / KNOWN_HOSTS, known)
    version = kubernetes_binaries.version(map(Path, spec.layers))
    changed |= _put(folder / INVENTORY, inventory_text(spec, folder, version))
    return changed


def hosts_of(spec: LabSpec, folder: Path) -> tuple[LabHost, ...]:
    return tuple(LabHost(spec, host, folder) for host in spec.hosts)


def side_by_side(work: Callable[[LabHost], T], hosts: Iterable[LabHost]) -> tuple[T, ...]:
    """Work on every host at once; all are finished when this returns or raises the first failure."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        return tuple(pool.map(work, hosts))


def _mend_network(spec: LabSpec) -> bool:
    if not network.switch_stands(spec):
        network.make_switch(spec)
        return True
    if outages.read(spec) != outages.NO_OUTAGES:
        outages.write(spec, outages.NO_OUTAGES)
        return True
    return False


def _mend_host(host: LabHost) -> bool:
    """Boot hosts that are incomplete or do not answer; True when something had to be done."""
    if host.is_whole() and host.answers(within_s=3.0):
        return False
    if host.init_pid() is None or not host.is_mounted() or (host.is_plugged_in() and not host.answers()):
        host.power_off()
    host.boot()
    return True


def _put(path: Path, text: str) -> bool:
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    path.chmod(0o600)
    return True
