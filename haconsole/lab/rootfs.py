"""The root file systems: one Debian base, built once, and an overlay of its own for each host (debootstrap(8))."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from haconsole.lab.commands import attempt, run
from haconsole.lab.errors import LabError, LabImpossibleError
from haconsole.lab.kubeadm_files import KUBEADM_FILES, KUBEADM_UNITS
from haconsole.lab.progress import Progress
from haconsole.lab.spec import LOGIN, PASSWORD_LOGIN, Debian
from haconsole.lab.watched import watch

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "libpam-systemd",
    "dbus",
    "openssh-server",
    "sudo",
    "iproute2",
    "iputils-ping",
    "procps",
    "less",
    "openssl",
    "socat",
    "nftables",
    "ca-certificates",
    "etcd-server",
    "etcd-client",
    "haproxy",
    "keepalived",
    "kubernetes-client",
)
KUBEADM_PACKAGES = (
    "containerd",
    "runc",
    "containernetworking-plugins",
    "iptables",
    "ebtables",
    "ethtool",
    "conntrack",
    "curl",
    "kmod",
)
"""The packages of a host beyond `PACKAGES` for kubelet and kubeadm."""
_RECIPE = 2
_DISABLED = ("etcd.service", "haproxy.service", "keepalived.service")
_MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-pstore.service",
    "systemd-networkd.service",
    "getty.target",
    "console-getty.service",
)
_UNPACKED_PACKAGES = 150
_STEPS = re.compile(r"^I: (Retrieving|Validating|Extracting|Unpacking|Configuring) ", re.MULTILINE)


def base_key(debian: Debian = Debian.BOOKWORM, *, kubeadm: bool = False) -> str:
    """Names a base by its contents, so that a changed recipe never uses an old base."""
    contents = f"{_RECIPE} {debian.value} {PACKAGES} {_DISABLED} {_MASKED} {LOGIN} {PASSWORD_LOGIN}"
    if kubeadm:
        contents += f" {KUBEADM_PACKAGES} {KUBEADM_FILES} {KUBEADM_UNITS}"
    kind = "-kubeadm" if kubeadm else ""
    return f"{debian.value}{kind}-{hashlib.sha256(contents.encode()).hexdigest()[:12]}"


def base_folder(cache: Path, debian: Debian = Debian.BOOKWORM, *, kubeadm: bool = False) -> Path:
    return cache / "base" / base_key(debian, kubeadm=kubeadm)


def build_base(
    cache: Path,
    progress: Progress,
    debian: Debian = Debian.BOOKWORM,
    *,
    kubeadm: bool = False,
    mirror: str | None = None,
) -> Path:
    """Build the base unless it exists; it appears under its name only when complete."""
    folder = base_folder(cache, debian, kubeadm=kubeadm)
    if folder.is_dir():
        return folder
    source = mirror or debian_mirror()
    purpose = " with containerd and kubeadm's tools" if kubeadm else ""
    progress.stage(f"building the hosts' root file system from Debian {debian.value} packages{purpose}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        _debootstrap(unfinished, debian, PACKAGES + (KUBEADM_PACKAGES if kubeadm else ()), source, progress)
        _furnish(unfinished)
        if kubeadm:
            _add_kubeadm_files(unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _debootstrap(root: Path, debian: Debian, packages: tuple[str, ...], mirror: str, progress: Progress) -> None:
    include = f"--include={','.join(packages)}"
    argv = ("debootstrap", "--variant=minbase", include, debian.value, str(root), mirror)
    steps = 0

    def count(line: str) -> None:
        nonlocal steps
        steps += bool(_STEPS.match(line))
        progress.advance(min(steps / (_UNPACKED_PACKAGES * 5), 0.99))

    watch(argv, count, deadline_s=1800)


def debian_mirror() -> str:
    """The Debian archive that apt on this machine uses; raises LabImpossibleError where apt has none."""
    result = attempt(("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Created-By: Packages"))
    for line in result.stdout.splitlines():
        if line.startswith("Debian Debian "):
            return line.split()[-1].rstrip("/")
    hint = "give an archive with --mirror URL, or run `apt-get update` with a Debian archive configured"
    raise LabImpossibleError("apt on this machine has no Debian archive to build hosts from", hint=hint)


def _add_kubeadm_files(root: Path) -> None:
    """Add the files that let kubelet run in a host of the lab, and enable their units."""
    for name, (text, mode) in KUBEADM_FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        _write(root / name, text, mode)
    run(("chroot", str(root), "systemctl", "--quiet", "enable", *KUBEADM_UNITS))


def _furnish(root: Path) -> None:
    """Turn a fresh Debian into a bare host: logins, no keys or identity yet, no extra services started."""
    inside = ("chroot", str(root))
    run((*inside, "systemctl", "--quiet", "disable", *_DISABLED))
    run((*inside, "systemctl", "--quiet", "mask", *_MASKED))
    for login in (LOGIN, PASSWORD_LOGIN):
        run((*inside, "useradd", "--create-home", "--shell", "/bin/bash", login))
    run((*inside, "usermod", "--append", "--groups", "sudo", PASSWORD_LOGIN))
    _write(root / "etc/sudoers.d" / LOGIN, f"{LOGIN} ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
    run((*inside, "apt-get", "clean"))
    for path in (*(root / "etc/ssh").glob("ssh_host_*"), *(root / "var/lib/apt/lists").glob("*_*")):
        path.unlink()
    _write(root / "etc/machine-id", "", 0o444)
    _write(root / "etc/hostname", "", 0o644)
    _write(root / "etc/default/locale", "", 0o644)
    _write(root / "etc/resolv.conf", "", 0o644)


def _write(path: Path, text: str, mode: int) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


def is_mounted(place: Path) -> bool:
    return os.path.ismount(place)


def mount_overlay(lower: tuple[Path, ...], folder: Path) -> Path:
    """Mount a host's own writable view of `lower` (topmost first) at `folder`/root; its writes go to `folder`/upper."""
    place = folder / "root"
    if is_mounted(place):
        return place
    for layer in lower:
        if not layer.is_dir():
            raise LabError(f"{layer}, the base of the host's disk, is gone", hint="take the lab down and up again")
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={':'.join(map(str, lower))},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    try:
        run(("mount", "-t", "overlay", "haconsole", "-o", options, str(place)))
    except LabError as error:
        hint = f"the folder {folder} must be on a file system such as ext4 or xfs, not on an overlay itself"
        raise LabError(error.what, hint=hint) from None
    return place


def unmount(place: Path) -> None:
    """Unmount whatever is mounted at `place`; nothing to do when nothing is."""
    while is_mounted(place):
        run(("umount", str(place)))
