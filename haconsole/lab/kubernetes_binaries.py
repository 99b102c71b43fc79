"""The Kubernetes programs of a lab's hosts: a layer with them in /usr/local/bin, shared by every host that has it.

They come from a folder that is named, else from the official release, else from Debian's own source package.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from haconsole.lab import kubernetes_build, kubernetes_release
from haconsole.lab.commands import run
from haconsole.lab.errors import LabError
from haconsole.lab.progress import Progress

VERSION = kubernetes_build.UPSTREAM_VERSION
"""The one version that labs run, whichever way it comes: tests see the same behaviour everywhere."""
REQUIRED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubeadm")
OPTIONAL = ("kubelet", "kube-proxy", "kubectl", "crictl")
_BIN = Path("usr/local/bin")


def layer(cache: Path, source: Path | None, progress: Progress) -> Path:
    """The folder of the layer, made now unless the cache has it; raises LabError saying what stood in the way."""
    folder = cache / "kubernetes"
    folder.mkdir(parents=True, exist_ok=True)
    if source is not None:
        return _from_folder(folder, source)
    released, built = folder / f"release-{VERSION}", folder / kubernetes_build.key()
    for made in (released, built):
        if made.is_dir():
            return made
    if kubernetes_release.is_reachable(VERSION):
        return _made(released, lambda into: kubernetes_release.download(VERSION, REQUIRED, into, progress))
    return _made(built, lambda into: kubernetes_build.build(REQUIRED, into, progress))


def has_layer(cache: Path) -> bool:
    """The cache has a layer already, so that no download or build is needed."""
    folder = cache / "kubernetes"
    return any((folder / name).is_dir() for name in (f"release-{VERSION}", kubernetes_build.key()))


def _from_folder(cache: Path, source: Path) -> Path:
    """A layer with the programs of `source`, keyed by their sizes and times, so that a rebuilt one is taken anew."""
    files = tuple(path for name in (*REQUIRED, *OPTIONAL) if (path := source / name).is_file())
    missing = sorted(set(REQUIRED) - {path.name for path in files})
    if missing:
        raise LabError(f"{source} lacks {', '.join(missing)}", mend="name a folder with the Kubernetes programs")
    said = repr([(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files])
    folder = cache / f"folder-{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    return folder if folder.is_dir() else _made(folder, lambda into: _copy(files, into))


def _copy(files: tuple[Path, ...], into: Path) -> None:
    for path in files:
        shutil.copy(path, into / path.name)
        (into / path.name).chmod(0o755)


def _made(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill the layer's folder of programs; it appears under its name only when whole."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        (unfinished / _BIN).mkdir(parents=True)
        fill(unfinished / _BIN)
        for program in (unfinished / _BIN).iterdir():
            _check_runs(program)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def version(layers: Iterable[Path]) -> str | None:
    """What the programs in a lab's layers say they are, like ``v1.20.2``; None when no layer has them."""
    program = next((path for each in layers if (path := each / _BIN / REQUIRED[0]).is_file()), None)
    return run((str(program), "--version")).split()[-1] if program else None


def _check_runs(program: Path) -> None:
    """A program that cannot even say its version is found here rather than on a host."""
    argv = (str(program), "version") if program.name == "kubeadm" else (str(program), "--version")
    if program.name in REQUIRED:
        run(argv)
