"""A signed package repository that a test serves to the hosts of a lab.

Debian's packages come from the repositories that apt on this machine uses. The Kubernetes programs of the lab are
packed here, as kubelet's and kubeadm's own packages have them.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from haconsole.lab.kubeadm_files import KUBEADM_FILES
from haconsole.lab.lab import Lab

VERSION = "1.20.2"
KUBELET_UNITS = ("etc/systemd/system/kubelet.service", "etc/systemd/system/kubelet.service.d/10-kubeadm.conf")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the base class)
        """No line on standard error."""


def run(*argv: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    result = subprocess.run(
        argv, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, f"{' '.join(argv)}\n{result.stdout[-2000:]}{result.stderr[-2000:]}"
    return result.stdout


class Repository:
    """The folder of the packages, and the key that signs their list."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "packages"
        self.folder.mkdir()
        self._home = folder / "gnupg"
        self._home.mkdir(mode=0o700)
        self.key = folder / "repository.asc"

    def download(self, *names: str) -> None:
        """Debian packages, by the configuration of apt on this machine."""
        run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *names, folder=self.folder)

    def pack(self, name: str, files: dict[str, bytes], *, depends: str = "") -> None:
        """A package of `files` (paths below the root), all executable but units."""
        root = self.folder.parent / f"{name}.root"
        for path, content in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o644 if path.endswith((".service", ".conf")) else 0o755)
        (root / "DEBIAN").mkdir()
        extra = f"Depends: {depends}\n" if depends else ""
        control = (
            f"Package: {name}\nVersion: {VERSION}-1.1\nArchitecture: amd64\nMaintainer: test <t@example.org>\n{extra}"
        )
        (root / "DEBIAN/control").write_text(f"{control}Description: {name} of the lab\n")
        run("dpkg-deb", "-Znone", "--root-owner-group", "--build", str(root), str(self.folder), folder=self.folder)

    def pack_kubernetes(self, lab: Lab) -> None:
        """kubelet with its unit, and kubeadm, from the disks of the lab's hosts."""
        program = {name: _program(lab, name) for name in ("kubelet", "kubeadm")}
        units = {
            path.replace("etc/", "lib/", 1): KUBEADM_FILES[path][0].replace("/usr/local/bin/", "/usr/bin/").encode()
            for path in KUBELET_UNITS
        }
        self.pack(
            "kubelet",
            {"usr/bin/kubelet": program["kubelet"], **units},
            depends="iptables, conntrack, containernetworking-plugins",
        )
        self.pack("kubeadm", {"usr/bin/kubeadm": program["kubeadm"]}, depends="kubelet")

    def sign(self) -> None:
        """Write the list of all packages and sign it with a new key."""
        listing = run("dpkg-scanpackages", "--multiversion", ".", folder=self.folder)
        (self.folder / "Packages").write_text(listing)
        digest = hashlib.sha256(listing.encode()).hexdigest()
        date = run("date", "-uR", folder=self.folder, environment={"LC_ALL": "C"}).strip().replace("+0000", "UTC")
        release = f"Date: {date}\nSHA256:\n {digest} {len(listing.encode())} Packages\n"
        (self.folder / "Release").write_text(release)
        gpg = ("gpg", "--homedir", str(self._home), "--batch", "--yes", "--passphrase", "")
        run(*gpg, "--quick-generate-key", "repository@example.org", "ed25519", "sign", "never", folder=self.folder)
        run(*gpg, "--clearsign", "--output", "InRelease", "Release", folder=self.folder)
        run(*gpg, "--armor", "--export", "--output", str(self.key), folder=self.folder)
        run("gpgconf", "--homedir", str(self._home), "--kill", "all", folder=self.folder)

    @contextmanager
    def served(self, address: str) -> Iterator[str]:
        """The repository's source line while it is served at `address`."""
        handler = partial(Quiet, directory=str(self.folder))
        with ThreadingHTTPServer((address, 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://{address}:{server.server_port}/ ./"
            finally:
                server.shutdown()
                thread.join()


def _program(lab: Lab, name: str) -> bytes:
    layers = (Path(layer) / "usr/local/bin" / name for layer in lab.spec.layers)
    return next(path for path in layers if path.is_file()).read_bytes()


REPACK = """folder=$(mktemp -d); mkdir "$folder/DEBIAN"
dpkg-query -L "$1" | while read -r path; do
  [ ! -f "$path" ] || { mkdir -p "$folder${path%/*}"; cp -pP "$path" "$folder$path"; }
done
dpkg-query -s "$1" | sed '/^Status:/d; /^Conffiles:/,/^[A-Z]/{/^Conffiles:/d; /^ /d;}' >"$folder/DEBIAN/control"
dpkg-deb -Znone --root-owner-group --build "$folder" /root/repacked.deb; rm -rf "$folder"
"""


def package_files(lab: Lab, name: str, folder: Path) -> Path:
    """A folder with the package file of `name`, packed again from the files that a host has."""
    host = lab.spec.hosts[0].name
    result = lab.exec(host, "sh", "-ec", REPACK, "repack", name)
    assert result.returncode == 0, result.stderr
    files = folder / "package-files"
    files.mkdir()
    source = lab.host(host).root / "root/repacked.deb"
    (files / f"{name}.deb").write_bytes(source.read_bytes())
    source.unlink()
    return files
