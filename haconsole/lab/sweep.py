"""Leaving nothing: everything on this machine that bears a lab's name, found and removed, whatever state it is in."""

from __future__ import annotations

import shutil
from pathlib import Path

from haconsole.lab import cgroups, network, nspawn_leftovers
from haconsole.lab.errors import LabError
from haconsole.lab.rootfs import unmount


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
    if left := remains(lab, folder):
        raise LabError(f"of lab `{lab}` these cannot be removed: {', '.join(left)}")
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
