"""The images of kubeadm hosts: made of the lab's own programs, and imported into one containerd folder that hosts copy.

1. `kubeadm config images list` names the images that init, join and upgrades expect.
2. Each image is written around the program of its name; coredns is replaced by a program that only waits.
3. A containerd that runs only for these seconds imports them, so that no host has to.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from haconsole.lab import rootfs
from haconsole.lab.commands import run
from haconsole.lab.errors import LabError
from haconsole.lab.image_archive import Image, write_archive
from haconsole.lab.kubeadm_files import PAUSE_IMAGE
from haconsole.lab.machine import check_room
from haconsole.lab.progress import Progress

HAPROXY_IMAGE = "docker.io/library/haproxy:2.1.4"
KEEPALIVED_IMAGE = "docker.io/osixia/keepalived:2.0.17"
"""The images that kubeadm's guide to highly available clusters names for balancers in static pods."""
_RECIPE = 1
_ROOM_MIB = 2048
_BIN = Path("usr/local/bin")
_WAIT = ("/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done")
_IPTABLES = tuple(f"{family}tables{end}" for family in ("ip", "ip6") for end in ("", "-save", "-restore"))
_IMPORT = """set -e
containerd >/run/containerd.log 2>&1 & daemon=$!
for attempt in $(seq 100); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done
for archive in /run/images/*.tar; do ctr --namespace k8s.io images import "$archive" >/dev/null; done
kill $daemon; wait $daemon || :
"""


def images_folder(cache: Path, layers: tuple[Path, ...]) -> Path:
    """The containerd folder with the images made from these layers, there or not."""
    contents = f"{_RECIPE} {_WAIT} {HAPROXY_IMAGE} {KEEPALIVED_IMAGE} {[layer.name for layer in layers]}"
    return cache / "images" / hashlib.sha256(contents.encode()).hexdigest()[:12]


def make_images(cache: Path, layers: tuple[Path, ...], progress: Progress) -> Path:
    """The containerd folder with all images, made now unless the cache has it; raises LabError with the cause."""
    folder = images_folder(cache, layers)
    if folder.is_dir():
        return folder
    check_room(cache, _ROOM_MIB, "container images")
    progress.stage("making container images")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=folder.parent) as name:
        work = Path(name)
        root = rootfs.mount_overlay(layers, work)
        try:
            _write_all(root, work / "archives", progress)
            progress.stage("importing container images")
            _import(root, work)
        finally:
            rootfs.unmount(root)
        (work / "containerd").rename(folder)
    return folder


def _write_all(root: Path, into: Path, progress: Progress) -> None:
    into.mkdir()
    images = images_of(root, expected_images(root))
    for number, image in enumerate(images):
        write_archive(image, into / f"{number}.tar")
        progress.advance((number + 1) / len(images))


def expected_images(root: Path) -> tuple[str, ...]:
    """The images that kubeadm of this root file system pulls for its own version, and containerd's pause image."""
    version = run((str(root / _BIN / "kubeadm"), "version", "--output", "short")).strip()
    listing = run((str(root / _BIN / "kubeadm"), "config", "images", "list", "--kubernetes-version", version))
    return tuple(dict.fromkeys((*listing.split(), PAUSE_IMAGE)))


def images_of(root: Path, references: tuple[str, ...]) -> tuple[Image, ...]:
    """The images by these references, and those of balancers in static pods, from the files below `root`."""
    contents = {
        reference: _contents_of(root, reference) for reference in (*references, HAPROXY_IMAGE, KEEPALIVED_IMAGE)
    }
    return tuple(Image(reference, files, entry) for reference, (files, entry) in contents.items())


Contents = tuple[tuple[tuple[Path, str], ...], tuple[str, ...]]
"""Files of an image with their paths inside, and its entrypoint."""


def _contents_of(root: Path, reference: str) -> Contents:
    name = reference.rpartition("/")[2].partition(":")[0]
    known: dict[str, Callable[[Path], Contents]] = {
        "pause": _waiting,
        "coredns": _waiting,
        "etcd": _etcd,
        "kube-proxy": _kube_proxy,
        "haproxy": _haproxy,
        "keepalived": _keepalived,
    }
    if name in known:
        return known[name](root)
    program = root / _BIN / name
    if not program.is_file():
        raise LabError(f"kubeadm expects the image {reference}, which is built from {program}: that program is missing")
    return ((program, f"/usr/local/bin/{name}"),), ()


def _waiting(root: Path) -> Contents:
    return _with_libraries(root, {"/usr/bin/dash": "/bin/sh", "/usr/bin/sleep": "/bin/sleep"}), _WAIT


def _etcd(root: Path) -> Contents:
    programs = {"/usr/bin/dash": "/bin/sh", **{_program(root, name): f"/usr/local/bin/{name}" for name in _ETCD}}
    return _with_libraries(root, programs), ()


def _kube_proxy(root: Path) -> Contents:
    multi = root / "usr/sbin/xtables-nft-multi"
    extensions = tuple((path, f"/{path.relative_to(root)}") for path in sorted(root.glob("usr/lib/*/xtables/*.so")))
    tables = tuple((multi, f"/usr/sbin/{name}") for name in _IPTABLES)
    libraries = _with_libraries(root, {"/usr/sbin/xtables-nft-multi": "/usr/sbin/xtables-nft-multi"})
    return ((root / _BIN / "kube-proxy", "/usr/local/bin/kube-proxy"), *tables, *libraries, *extensions), ()


def _haproxy(root: Path) -> Contents:
    command = ("haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg")
    return _with_libraries(root, {"/usr/sbin/haproxy": "/usr/sbin/haproxy"}), command


def _keepalived(root: Path) -> Contents:
    programs = {name: name for name in ("/usr/sbin/keepalived", "/usr/bin/curl")}
    command = ("keepalived", "--dont-fork", "--log-console", "-f", "/usr/local/etc/keepalived/keepalived.conf")
    return _with_libraries(root, {**programs, "/usr/bin/dash": "/bin/sh"}), command


_ETCD = ("etcd", "etcdctl")


def _program(root: Path, name: str) -> str:
    """The program of the folder that the lab was given, else Debian's."""
    return f"/{_BIN / name}" if (root / _BIN / name).is_file() else f"/usr/bin/{name}"


def _with_libraries(root: Path, programs: dict[str, str]) -> tuple[tuple[Path, str], ...]:
    """Programs by their paths below `root` and inside the image, with the shared libraries that ldd(1) names."""
    listing = "".join(run(("chroot", str(root), "ldd", program)) for program in programs if _is_dynamic(root, program))
    libraries = sorted(set(re.findall(r"(/\S+\.so\S*)", listing)))
    files = {inside: root / program.lstrip("/") for program, inside in programs.items()}
    files |= {library: root / library.lstrip("/") for library in libraries}
    return tuple((path, inside) for inside, path in files.items())


def _is_dynamic(root: Path, program: str) -> bool:
    """The program names a loader, as every dynamically linked one does (elf(5), PT_INTERP)."""
    with (root / program.lstrip("/")).open("rb") as file:
        return b"/ld-linux" in file.read(4096)


def _import(root: Path, work: Path) -> None:
    """Run containerd in namespaces of its own, with its folder outside the overlay, and import every archive."""
    folder = work / "containerd"
    folder.mkdir()
    script = """set -e
mount -t tmpfs tmpfs "$1/run"; mkdir "$1/run/images" "$1/var/lib/containerd" -p
mount --bind "$2" "$1/run/images"; mount --bind "$3" "$1/var/lib/containerd"
mount -t proc proc "$1/proc"; mount -t devtmpfs devtmpfs "$1/dev" 2>/dev/null || mount --rbind /dev "$1/dev"
exec chroot "$1" sh -c "$4"
"""
    namespaces = ("unshare", "--mount", "--pid", "--ipc", "--net", "--fork", "--kill-child")
    run(
        (*namespaces, "sh", "-c", script, "sh", str(root), str(work / "archives"), str(folder), _IMPORT), deadline_s=300
    )
    for name in ("tmpmounts", "io.containerd.runtime.v2.task"):
        shutil.rmtree(folder / name, ignore_errors=True)
