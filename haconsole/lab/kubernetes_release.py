"""Official Kubernetes binaries, each checked against the SHA-256 that is published beside it (dl.k8s.io)."""

from __future__ import annotations

import hashlib
import http.client
import platform
import tarfile
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

from haconsole.lab.errors import LabError
from haconsole.lab.progress import Progress

SITE = "https://dl.k8s.io"
CRICTL_ARCHIVE = (
    "https://github.com/kubernetes-sigs/cri-tools/releases/download/v1.20.0/crictl-v1.20.0-linux-{architecture}.tar.gz"
)
_PROBE_S = 3.0
_READ_S = 30.0
_CHUNK = 1 << 20
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def is_reachable(version: str, *, site: str = SITE) -> bool:
    """The release site has this version for this machine, and answers within seconds, a slow resolver's included."""
    if platform.machine() not in _ARCHITECTURES:
        return False
    answers: list[bool] = []
    probe = threading.Thread(target=lambda: answers.append(_has(version, site)), daemon=True)
    probe.start()
    probe.join(_PROBE_S)
    return any(answers)


def _has(version: str, site: str) -> bool:
    try:
        with _open(_url(site, version, "kube-apiserver.sha256"), _PROBE_S) as answer:
            return len(answer.read(65).strip()) == 64
    except (OSError, ValueError):
        return False


def download(version: str, names: tuple[str, ...], into: Path, progress: Progress, *, site: str = SITE) -> None:
    """Download each program into `into`; raises LabError when one cannot be had or is not what was published."""
    for number, name in enumerate(names):
        progress.stage(f"downloading {name} {version}")

        def advance(part: float, number: int = number) -> None:
            progress.advance((number + part) / len(names))

        try:
            if name == "crictl":
                _fetch_crictl(into, advance)
            else:
                _fetch(_url(site, version, name), into / name, advance)
        except (OSError, tarfile.TarError) as error:
            address = CRICTL_ARCHIVE if name == "crictl" else _url(site, version, name)
            raise LabError(f"{address} cannot be downloaded: {error}") from None
        (into / name).chmod(0o755)


def _fetch_crictl(into: Path, advance: Callable[[float], None]) -> None:
    """crictl has releases of its own, as archives."""
    archive = into / "crictl.tar.gz"
    _fetch(CRICTL_ARCHIVE.format(architecture=_ARCHITECTURES[platform.machine()]), archive, advance)
    with tarfile.open(archive) as files:
        files.extract("crictl", into, filter="data")
    archive.unlink()


def _url(site: str, version: str, file: str) -> str:
    return f"{site}/release/{version}/bin/linux/{_ARCHITECTURES[platform.machine()]}/{file}"


def _open(url: str, timeout_s: float) -> http.client.HTTPResponse:
    answer: http.client.HTTPResponse = urllib.request.urlopen(url, timeout=timeout_s)  # noqa: S310 - https only, above
    return answer


def _fetch(url: str, path: Path, advance: Callable[[float], None]) -> None:
    with _open(f"{url}.sha256", _READ_S) as answer:
        published = answer.read(65).decode("ascii", "replace")[:64].strip()
    digest = hashlib.sha256()
    with _open(url, _READ_S) as answer, path.open("wb") as file:
        size, had = int(answer.headers.get("Content-Length") or 0), 0
        while chunk := answer.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
            had += len(chunk)
            advance(had / size if size else 0.0)
    if digest.hexdigest() != published:
        raise LabError(f"{url} has SHA-256 {digest.hexdigest()}, published is {published}", hint="try again later")
