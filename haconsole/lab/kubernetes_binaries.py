"""The Kubernetes programs of a lab's hosts: a layer with them in /usr/local/bin, shared by every host that has it.

They come from a folder that is named, else from the official release, else from Debian's own source package.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from haconsole.lab import kubernetes_build, kubernetes_release
from haconsole.lab.commands import run
from haconsole.lab.errors import LabError
from haconsole.lab.progress import Progress

VERSION = kubernetes_build.UPSTREAM_VERSION
"""The one version that labs run, whichever way it comes: tests see the same behaviour everywhere."""
REQUIRED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubeadm")
NODE = ("kubelet", "kube-proxy", "crictl")
"""The programs of a kubeadm host beyond `REQUIRED`."""
OPTIONAL = (*NODE, "kubectl", "etcd", "etcdctl")
"""The programs that a named folder may have beside `REQUIRED`; without its own etcd, Debian's is used."""
_BIN = Path("usr/local/bin")


def layers(
    cache: Path, source: Path | None, progress: Progress, *, node: bool = False, mirror: str | None = None
) -> tuple[Path, ...]:
    """The layers with the programs, made now unless the cache has them; raises LabError with the cause.

    With `node` there is a second layer with what a kubeadm host runs: kubelet, kube-proxy and crictl.
    """
    folder = cache / "kubernetes"
    folder.mkdir(parents=True, exist_ok=True)
    if source is not None:
        return (_from_folder(folder, source, (*REQUIRED, *NODE) if node else REQUIRED),)
    folders: dict[Path, tuple[str, ...]] = {folder / kubernetes_build.key(): REQUIRED}
    released: dict[Path, tuple[str, ...]] = {folder / f"release-{VERSION}": REQUIRED}
    if node:
        folders[folder / kubernetes_build.node_key()] = NODE
        released[folder / f"release-{VERSION}-node"] = NODE
    for layer_folders in (released, folders):
        if all(path.is_dir() for path in layer_folders):
            return tuple(layer_folders)
    if kubernetes_release.is_reachable(VERSION):
        return _filled_folders(
            released, lambda names, into: kubernetes_release.download(VERSION, names, into, progress)
        )
    return _filled_folders(folders, lambda names, into: kubernetes_build.build(names, into, progress, mirror=mirror))


def has_layer(cache: Path) -> bool:
    """The cache has a layer already, so that no download or build is needed."""
    folder = cache / "kubernetes"
    return any((folder / name).is_dir() for name in (f"release-{VERSION}", kubernetes_build.key()))


def _from_folder(cache: Path, source: Path, required: tuple[str, ...]) -> Path:
    """A layer with the programs of `source`, keyed by their sizes and times, so that a rebuilt one is copied again."""
    files = tuple(path for name in (*REQUIRED, *OPTIONAL) if (path := source / name).is_file())
    missing = sorted(set(required) - {path.name for path in files})
    if missing:
        raise LabError(
            f"{source} lacks {', '.join(missing)}", hint="give the path of a folder with the Kubernetes programs"
        )
    identity = repr([(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files])
    folder = cache / f"folder-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    return folder if folder.is_dir() else _filled_folders({folder: ()}, lambda names, into: _copy(files, into))[0]


def _copy(files: tuple[Path, ...], into: Path) -> None:
    for path in files:
        shutil.copy(path, into / path.name)
        (into / path.name).chmod(0o755)


def _filled_folders(
    layer_programs: Mapping[Path, tuple[str, ...]], fill: Callable[[tuple[str, ...], Path], None]
) -> tuple[Path, ...]:
    """Fill the missing ones of the layers `layer_programs`, each with its programs; they appear only when complete.

    All programs come from one call of `fill`, so that a build shares its Go cache.
    """
    missing = {folder: names for folder, names in layer_programs.items() if not folder.is_dir()}
    first = next(iter(missing))
    unfinished = first.with_name(f"{first.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        (unfinished / _BIN).mkdir(parents=True)
        fill(tuple(name for names in missing.values() for name in names), unfinished / _BIN)
        for program in (unfinished / _BIN).iterdir():
            _check_runs(program)
        for folder, names in tuple(missing.items())[1:]:
            _split_off(unfinished, names, folder)
        unfinished.rename(first)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return tuple(layer_programs)


def _split_off(layer: Path, names: tuple[str, ...], folder: Path) -> None:
    """Move the programs `names` of a layer into a layer of their own."""
    part = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(part, ignore_errors=True)
    (part / _BIN).mkdir(parents=True)
    for name in names:
        (layer / _BIN / name).rename(part / _BIN / name)
    part.rename(folder)


def version(layers: Iterable[Path]) -> str | None:
    """The version of the programs in a lab's layers, like ``v1.20.2``; None when no layer has them."""
    program = next((path for each in layers if (path := each / _BIN / REQUIRED[0]).is_file()), None)
    return run((str(program), "--version")).split()[-1] if program else None


def _check_runs(program: Path) -> None:
    """A program that cannot print its version is found here rather than on a host."""
    argv = (str(program), "version") if program.name == "kubeadm" else (str(program), "--version")
    if program.name in (*REQUIRED, *NODE):
        run(argv)
