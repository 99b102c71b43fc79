"""Kubernetes built from Debian's own source package with Debian's Go, for machines that reach only Debian's archive."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from haconsole.lab.commands import SEARCH_PATH, attempt, run
from haconsole.lab.errors import LabError, LabImpossibleError
from haconsole.lab.machine import Need, check_room, meet
from haconsole.lab.progress import Progress
from haconsole.lab.watched import watch

GO = Path("/usr/lib/go-1.19/bin/go")
REFLECT2 = Path("/usr/share/gocode/src/github.com/modern-go/reflect2")
NEEDS = (
    Need("dpkg-source", "dpkg-dev"),
    Need(str(GO), "golang-1.19-go"),
    Need(str(REFLECT2), "golang-github-modern-go-reflect2-dev"),
)
UPSTREAM_VERSION = "v1.20.2"
CRICTL = "crictl"
UPSTREAM_SHA256 = "b83c0780efb182d928dc63d46488a847f161f04e40a94b96bf5247dd671ecdfc"
_RECIPE = 1
_IMPORT_PATH = "k8s.io/kubernetes"
_GENERATOR_MARK = b"+k8s:openapi-gen="
_NOT_GENERATED = ("code-generator", "sample-apiserver", "gengo", "kube-openapi")
_ROOM_MIB = 4096
_PACKAGES_BUILT = 1950
_SOURCE_RELEASE = "bookworm"
_NEEDS_OPENAPI = "kube-apiserver"
_CRICTL_SOURCE = Path(__file__).parent / "crictl.go"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def key() -> str:
    """Names what the recipe makes of the source, so that another recipe or source never meets old binaries."""
    return f"debian-{UPSTREAM_VERSION}-{hashlib.sha256(f'{_RECIPE} {UPSTREAM_SHA256}'.encode()).hexdigest()[:12]}"


def build(names: tuple[str, ...], into: Path, progress: Progress, *, mirror: str | None = None) -> None:
    """Build the programs `names` into `into`, all with one Go cache; raises LabError with what failed.

    Four minutes on two cores for the control plane's programs, one more with kubelet and kube-proxy. `mirror` is the
    Debian archive to fetch the source from, by default those that apt uses.
    """
    meet(NEEDS, progress)
    check_room(into, _ROOM_MIB, "building Kubernetes")
    with tempfile.TemporaryDirectory(prefix="building-", dir=into.parent) as name:
        work = Path(name)
        progress.stage("fetching the Kubernetes source from Debian")
        source = work / "go/src" / _IMPORT_PATH
        _fetch_source(work, source, mirror)
        _add_crictl(source)
        _mend_source(source)
        if _NEEDS_OPENAPI in names:
            progress.stage("building Kubernetes: generating its API description")
            _generate_openapi(work, source)
        progress.stage(f"building Kubernetes {UPSTREAM_VERSION}")
        _compile(names, work, source, into, progress)


def _fetch_source(work: Path, source: Path, mirror: str | None) -> None:
    """Download the source package with apt's own signature checks, check upstream's archive, unpack and patch it."""
    (work / "lists/partial").mkdir(parents=True)
    (work / "sources.list").write_text(source_list(_archive_lines(mirror)))
    options = (
        "-q",
        *("-o", f"Dir::Etc::sourcelist={work / 'sources.list'}"),
        *("-o", "Dir::Etc::sourceparts=/dev/null"),
        *("-o", f"Dir::State::lists={work / 'lists'}"),
        *("-o", "APT::Sandbox::User=root"),
    )
    run(("apt-get", *options, "update"), deadline_s=600)
    run(("apt-get", *options, "source", "--download-only", "kubernetes"), deadline_s=900, folder=work)
    archive = _only(work.glob("kubernetes_*.orig.tar.*"), "an upstream archive of kubernetes")
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != UPSTREAM_SHA256:
        raise LabError(f"{archive.name} is not the Kubernetes source this recipe is for: its SHA-256 is {digest}")
    description = _only(work.glob("kubernetes_*.dsc"), "a source description of kubernetes")
    source.parent.mkdir(parents=True)
    run(("dpkg-source", "-x", str(description), str(source)), deadline_s=300)


def _archive_lines(mirror: str | None) -> str:
    if mirror is not None:
        return f"Debian {mirror} {_SOURCE_RELEASE}\n"
    columns = "$(ORIGIN) $(REPO_URI) $(RELEASE)"
    return attempt(("apt-get", "indextargets", "--format", columns, "Created-By: Packages")).stdout


def source_list(indextargets: str) -> str:
    """An apt source list of the Debian archives that `indextargets` (origin, address, release a line) names."""
    archives = {tuple(line.split()[1:3]) for line in indextargets.splitlines() if line.startswith("Debian ")}
    if not archives:
        hint = "give an archive with --mirror URL, or run `apt-get update` with a Debian archive configured"
        raise LabImpossibleError(
            "apt on this machine has no Debian archive to fetch the Kubernetes source from", hint=hint
        )
    return "".join(
        f"deb-src [signed-by={_KEYRING}] {address} {release} main\n" for address, release in sorted(archives)
    )


def _add_crictl(source: Path) -> None:
    """Add the lab's own small crictl to the source tree, where Kubernetes' CRI client is vendored."""
    folder = source / "cmd" / CRICTL
    folder.mkdir()
    shutil.copy(_CRICTL_SOURCE, folder / "main.go")


def node_key() -> str:
    """Names the programs that only kubeadm hosts have, by the recipe, the source and the small crictl's own source."""
    contents = _CRICTL_SOURCE.read_bytes() + f"{_RECIPE} {UPSTREAM_SHA256}".encode()
    return f"debian-{UPSTREAM_VERSION}-node-{hashlib.sha256(contents).hexdigest()[:12]}"


def _mend_source(source: Path) -> None:
    """Put Debian's reflect2 1.0.2 in place of 1.0.1, which mis-encodes maps when built with Go 1.18 or newer."""
    vendored = source / "vendor/github.com/modern-go/reflect2"
    shutil.rmtree(vendored)
    shutil.copytree(REFLECT2, vendored, symlinks=False)


def _generate_openapi(work: Path, source: Path) -> None:
    """Generate the API description that Debian leaves out of its source; kube-apiserver does not build without it."""
    generator = work / "openapi-gen"
    _go(work, source, ("build", "-o", str(generator), "./vendor/k8s.io/kube-openapi/cmd/openapi-gen"))
    packages = ",".join(f"{_IMPORT_PATH}/{folder}" for folder in marked_folders(source))
    argv = (
        str(generator),
        "--logtostderr",
        *("--input-dirs", packages),
        *("--output-package", f"{_IMPORT_PATH}/pkg/generated/openapi"),
        *("--output-file-base", "zz_generated.openapi"),
        *("--go-header-file", "vendor/k8s.io/code-generator/hack/boilerplate.go.txt"),
        *("--report-filename", str(work / "violations.txt")),
    )
    run(argv, deadline_s=600, environment=_environment(work), folder=source)


def marked_folders(source: Path) -> tuple[str, ...]:
    """Folders below `source` with Go files that request an API description, sorted, as relative paths."""
    folders = {
        str(path.parent.relative_to(source))
        for top in _generated_tops(source)
        for path in _go_files(top)
        if _GENERATOR_MARK in path.read_bytes()
    }
    return tuple(sorted(folders))


def _generated_tops(source: Path) -> Iterator[Path]:
    for path in sorted((source / "vendor/k8s.io").iterdir()):
        if path.name not in _NOT_GENERATED and path.is_dir():
            yield path
    yield from (source / name for name in ("pkg", "cmd", "plugin"))


def _go_files(top: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(top):
        below[:] = [name for name in below if name != "testdata"]
        yield from (Path(folder, name) for name in files if name.endswith(".go"))


def _compile(names: tuple[str, ...], work: Path, source: Path, into: Path, progress: Progress) -> None:
    compiled = 0

    def count(line: str) -> None:
        nonlocal compiled
        compiled += "/" in line
        progress.advance(min(compiled / _PACKAGES_BUILT, 0.99))

    argv = (
        *(str(GO), "build", "-v", "-trimpath"),
        *("-ldflags", linker_flags(UPSTREAM_VERSION)),
        *("-o", f"{into}/"),
        *(f"./cmd/{name}" for name in names),
    )
    watch(argv, count, deadline_s=3600, environment=_environment(work), folder=source)


def linker_flags(version: str) -> str:
    """Flags that leave debug symbols out and write the version into the programs, e.g. for ``v1.20.2``."""
    major, minor, _ = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    places = (f"{_IMPORT_PATH}/vendor/k8s.io/{part}/version" for part in ("component-base", "client-go/pkg"))
    return " ".join(("-s", "-w", *(f"-X {place}.{name}={value}" for place in places for name, value in values.items())))


def _go(work: Path, source: Path, arguments: tuple[str, ...]) -> None:
    run((str(GO), *arguments), deadline_s=900, environment=_environment(work), folder=source)


def _environment(work: Path) -> dict[str, str]:
    return {
        "PATH": f"{GO.parent}:{SEARCH_PATH}",
        "HOME": str(work),
        "GOPATH": str(work / "go"),
        "GOCACHE": str(work / "gocache"),
        "GO111MODULE": "off",
        "GOPROXY": "off",
        "CGO_ENABLED": "0",
    }


def _only(candidates: Iterator[Path], what: str) -> Path:
    paths = tuple(candidates)
    if len(paths) != 1:
        raise LabError(f"Debian's archive returned {len(paths)} files instead of {what}")
    return paths[0]
