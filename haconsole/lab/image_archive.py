"""Container images written without a registry or a build tool: one layer in a docker-archive, for `ctr images import`.

The format is that of `docker save`: manifest.json names a configuration and the layers, each by its SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_FOLDERS = ("dev", "etc", "proc", "run", "sys", "tmp", "var")
_STICKY = {"tmp": 0o1777}
_TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/\nnobody:x:65534:65534:nobody:/:/\n",
    "etc/group": "root:x:0:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Image(msgspec.Struct, frozen=True):
    """An image made of files of this machine; `files` pairs each one's path here with its absolute path inside."""

    reference: str
    """Name and tag, e.g. ``k8s.gcr.io/pause:3.2``."""
    files: tuple[tuple[Path, str], ...]
    entrypoint: tuple[str, ...] = ()


def write_archive(image: Image, path: Path) -> None:
    """Write the image to `path`. Equal files make an equal archive, as times and owners are fixed."""
    with tempfile.NamedTemporaryFile(dir=path.parent) as layer:
        with tarfile.open(fileobj=layer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            _fill_layer(archive, image.files)
        layer.seek(0)
        digest = hashlib.file_digest(layer, "sha256").hexdigest()
        size = layer.tell()
        layer.seek(0)
        configuration = _encode(_configuration(image, digest))
        name = f"{hashlib.sha256(configuration).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [image.reference], "Layers": [f"{digest}/layer.tar"]}]
        with tarfile.open(path, "w") as outer:
            _add_bytes(outer, name, configuration)
            member = _member(f"{digest}/layer.tar", 0o644)
            member.size = size
            outer.addfile(member, layer)
            _add_bytes(outer, "manifest.json", _encode(manifest))


def _fill_layer(archive: tarfile.TarFile, files: Iterable[tuple[Path, str]]) -> None:
    folders: set[str] = set()
    for folder in _FOLDERS:
        _add_folder(archive, folder, folders)
    for name, text in _TEXTS.items():
        _add_bytes(archive, name, text.encode())
    for source, inside in files:
        name = inside.lstrip("/")
        _add_folder(archive, str(PurePosixPath(name).parent), folders)
        member = _member(name, 0o755)
        member.size = source.stat().st_size
        with source.open("rb") as content:
            archive.addfile(member, content)


def _add_folder(archive: tarfile.TarFile, name: str, folders: set[str]) -> None:
    """Add a folder after its parents, once."""
    if name in folders or name == ".":
        return
    _add_folder(archive, str(PurePosixPath(name).parent), folders)
    folders.add(name)
    member = _member(name, _STICKY.get(name, 0o755))
    member.type = tarfile.DIRTYPE
    archive.addfile(member)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = _member(name, 0o644)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _member(name: str, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode = mode
    return member


def _configuration(image: Image, layer: str) -> dict[str, Any]:
    entrypoint = {"Entrypoint": list(image.entrypoint)} if image.entrypoint else {}
    return {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"Env": [_PATH], "WorkingDir": "/", **entrypoint},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
        "history": [{"created": "1970-01-01T00:00:00Z"}],
    }


def _encode(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
