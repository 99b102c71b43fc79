"""Labs kept as folders: what every host wrote, the lab's keys and its shape, to begin from again within seconds.

A cluster's certificates hold its addresses, so a lab from a saved one has the same subnet; its name may differ.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from haconsole.lab import disks, state
from haconsole.lab.errors import LabError
from haconsole.lab.host import LabHost
from haconsole.lab.identity import KEY, PASSWORD
from haconsole.lab.places import Places
from haconsole.lab.spec import LabSpec, check_name

_KEPT = (KEY, f"{KEY}.pub", PASSWORD)


def saved_folder(places: Places, saved: str) -> Path:
    """The folder that a person means: a path where there is a slash, else a name below the cache."""
    return Path(saved).absolute() if "/" in saved else places.cache / "saved" / check_name(saved)


def write_saved(spec: LabSpec, lab: Path, folder: Path, hosts: tuple[LabHost, ...], copy: HostWork) -> None:
    """Keep the disks of `hosts`, which must be off, in `folder`; a saved lab of that name is replaced.

    `copy` runs a piece of work for every host.
    """
    if folder.exists() and state.load(folder) is None:
        raise LabError(f"{folder} exists and is not a saved lab", hint="name another folder, or remove it")
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True, mode=0o700)
        copy(lambda host: disks.copy_disks(host.folder, unfinished / "hosts" / host.name, _images(spec)), hosts)
        for name in _KEPT:
            shutil.copy2(lab / name, unfinished / name)
        state.save(unfinished, spec)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_saved(folder: Path, name: str) -> LabSpec:
    """The shape of a saved lab under another name; raises LabError where it or what its disks lie on is missing."""
    spec = state.load(folder)
    if spec is None:
        raise LabError(f"there is no saved lab at {folder}", hint="`haconsole lab save` makes one")
    missing = [path for path in (*spec.layers, spec.images) if path and not Path(path).is_dir()]
    if missing:
        hint = "the cache was cleared or the recipe changed; make the lab and save it again"
        raise LabError(f"the saved lab {folder} needs {missing[0]}, which is gone", hint=hint)
    return replace(spec, name=name)


def fill_from_saved(spec: LabSpec, saved: Path, lab: Path, hosts: tuple[LabHost, ...], copy: HostWork) -> None:
    """Give a lab that was just claimed the keys and the disks of a saved one."""
    for name in _KEPT:
        shutil.copy2(saved / name, lab / name)
    copy(lambda host: disks.copy_disks(saved / "hosts" / host.name, host.folder, _images(spec)), hosts)


HostWork = Callable[[Callable[[LabHost], None], tuple[LabHost, ...]], object]
"""Runs a piece of work for each of several hosts."""


def _images(spec: LabSpec) -> Path | None:
    return Path(spec.images) if spec.kubeadm else None
