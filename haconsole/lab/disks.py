"""The folders that a host writes: its overlay's upper folder, and on kubeadm hosts folders outside the overlay.

containerd's own overlays cannot be on an overlay, and kubelet's and etcd's folders are better off it. So those three
are bound into the host. containerd's content and the layers of imported images never change once written. Copies share
them as hard links, which also shares their page cache.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from haconsole.lab.commands import attempt, run

BOUND = {"containerd": "/var/lib/containerd", "kubelet": "/var/lib/kubelet", "etcd": "/var/lib/etcd"}
"""Folders of a kubeadm host that lie outside its overlay, by their name in the host's folder."""
_DATA = "data"
_CONTENT = Path("io.containerd.content.v1.content")
_SNAPSHOTTER = Path("io.containerd.snapshotter.v1.overlayfs")
_COPY_S = 300.0


def bound_folders(host: Path) -> dict[Path, str]:
    """The folders outside the overlay of the host in folder `host`, each with its place inside."""
    return {host / _DATA / name: place for name, place in BOUND.items()}


def make_bound_folders(host: Path, images: Path) -> None:
    """Make the folders outside the overlay unless they exist; containerd's begins with the imported `images`."""
    for folder in bound_folders(host):
        if not folder.is_dir():
            folder.mkdir(parents=True, mode=0o700)
            if folder.name == "containerd":
                _copy_containerd(images, folder, images)


def copy_disks(source: Path, target: Path, images: Path | None) -> None:
    """Copy everything a host wrote from one host folder to another that has none yet.

    `images` is the folder that containerd's own began with, None on hosts without kubeadm. The host must be off.
    """
    copy_tree(source / "upper", target / "upper")
    if images is None:
        return
    for folder in bound_folders(source):
        copy = target / _DATA / folder.name
        if folder.name == "containerd":
            _copy_containerd(folder, copy, images)
        else:
            copy_tree(folder, copy)


def remove_disks(host: Path) -> None:
    """Remove what a host wrote; it must be off and its overlay unmounted."""
    for name in ("upper", "work", _DATA):
        shutil.rmtree(host / name, ignore_errors=True)


def copy_tree(source: Path, target: Path) -> None:
    """Copy with owners, times, and the attributes that mark removed files in an overlay (cp(1), --archive)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    run(("cp", "-a", "--sparse=always", "-T", str(source), str(target)), deadline_s=_COPY_S)


def _copy_containerd(source: Path, target: Path, images: Path) -> None:
    """Copy containerd's folder; content and the snapshots that `images` has are linked, all else is copied."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copystat(source, target)
    snapshots = _SNAPSHOTTER / "snapshots"
    _copy(_entries(source, {_CONTENT, _SNAPSHOTTER}), target)
    _link([source / _CONTENT], target)
    (target / snapshots).mkdir(parents=True, exist_ok=True)
    _copy(_entries(source / _SNAPSHOTTER, {Path("snapshots")}), target / _SNAPSHOTTER)
    imported = {path.name for path in (images / snapshots).glob("*")}
    each = sorted((source / snapshots).glob("*"))
    _link([path for path in each if path.name in imported], target / snapshots)
    _copy([path for path in each if path.name not in imported], target / snapshots)


def _entries(folder: Path, without: set[Path]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.relative_to(folder) not in without)


def _copy(paths: Iterable[Path], into: Path) -> None:
    if names := [str(path) for path in paths]:
        run(("cp", "-a", "--sparse=always", "-t", str(into), *names), deadline_s=_COPY_S)


def _link(paths: Iterable[Path], into: Path) -> None:
    """Copy as hard links, or with their content where `into` is on another file system."""
    names = [str(path) for path in paths]
    if names and attempt(("cp", "-al", "-t", str(into), *names), deadline_s=_COPY_S).returncode != 0:
        for name in names:
            shutil.rmtree(into / Path(name).name, ignore_errors=True)
        _copy(map(Path, names), into)
