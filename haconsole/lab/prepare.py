"""Everything labs are made from, fetched and built once: tools, the root file system, the Kubernetes programs."""

from __future__ import annotations

from pathlib import Path

from haconsole.lab import kubernetes_binaries, rootfs, state
from haconsole.lab.machine import HOST_NEEDS, check_kernel, check_room, check_root, meet
from haconsole.lab.places import Places
from haconsole.lab.progress import Progress

_BASE_ROOM_MIB = 1536


def prepare(
    places: Places, progress: Progress, *, kubernetes: bool = True, source: Path | None = None
) -> tuple[Path, ...]:
    """Have the cache filled and the tools installed; quick when they are. Returns what hosts'
    disks lie on, topmost first: the Kubernetes programs, if wanted, and the root file system.

    `source` is a folder with Kubernetes programs to take instead of a release or a build. Raises LabImpossibleError
    where this machine cannot have a lab, LabError when fetching or building fails.
    """
    check_root()
    check_kernel()
    meet(HOST_NEEDS, progress)
    with state.locked(places.cache, "prepare"):
        base = rootfs.base_folder(places.cache)
        if not base.is_dir():
            check_room(places.cache, _BASE_ROOM_MIB, "the hosts' root file system")
            rootfs.build_base(places.cache, progress)
        if not kubernetes:
            return (base,)
        return (kubernetes_binaries.layer(places.cache, source, progress), base)
