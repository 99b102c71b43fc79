"""Everything labs are made from, fetched and built once: tools, root file systems, Kubernetes programs, images."""

from __future__ import annotations

from pathlib import Path

from haconsole.lab import kubeadm_images, kubernetes_binaries, rootfs, state
from haconsole.lab.machine import HOST_NEEDS, check_kernel, check_room, check_root, meet
from haconsole.lab.places import Places
from haconsole.lab.progress import Progress
from haconsole.lab.shape import ANY_SHAPE, LabGround, LabShape
from haconsole.lab.spec import Debian

_BASE_ROOM_MIB = 1536


def prepare(places: Places, progress: Progress, shape: LabShape = ANY_SHAPE) -> LabGround:
    """Fill the cache with what a lab of this shape is made from and install the tools; quick when that is done.

    Raises LabImpossibleError where this machine cannot have a lab, LabError when fetching or building fails.
    """
    check_root()
    check_kernel()
    meet(HOST_NEEDS, progress)
    with state.locked(places.cache, "prepare"):
        base = _base(places.cache, progress, shape)
        if not shape.kubernetes:
            return LabGround((base,))
        source, node = shape.kubernetes_bin, shape.kubeadm is not None
        programs = kubernetes_binaries.layers(places.cache, source, progress, node=node, mirror=shape.mirror)
        layers = (*programs, base)
        return LabGround(layers, kubeadm_images.make_images(places.cache, layers, progress) if node else None)


def _base(cache: Path, progress: Progress, shape: LabShape) -> Path:
    debian, kubeadm = shape.debian or Debian.BOOKWORM, shape.kubeadm is not None
    base = rootfs.base_folder(cache, debian, kubeadm=kubeadm)
    if not base.is_dir():
        check_room(cache, _BASE_ROOM_MIB, "the hosts' root file system")
        rootfs.build_base(cache, progress, debian, kubeadm=kubeadm, mirror=shape.mirror)
    return base
