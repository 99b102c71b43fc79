"""Where the Kubernetes programs come from: a folder, or a release checked against its published digests."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from haconsole.lab import kubernetes_build, kubernetes_release
from haconsole.lab.errors import LabError
from haconsole.lab.kubeadm_images import images_of
from haconsole.lab.kubernetes_binaries import NODE, REQUIRED, layers, version
from haconsole.lab.progress import Silent

PROGRAM = b"#!/bin/sh\necho Kubernetes v1.99.1\n"


def programs(folder: Path, names: tuple[str, ...] = REQUIRED, text: bytes = PROGRAM) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(text)
        (folder / name).chmod(0o755)
    return folder


def test_a_folder_becomes_a_layer_and_is_copied_again_when_it_changed(tmp_path: Path) -> None:
    source = programs(tmp_path / "bin", (*REQUIRED, "kubelet", "notes"))
    (result,) = layers(tmp_path / "cache", source, Silent())
    assert {path.name for path in (result / "usr/local/bin").iterdir()} == {*REQUIRED, "kubelet"}
    assert version((tmp_path, result)) == "v1.99.1"
    assert layers(tmp_path / "cache", source, Silent()) == (result,)
    programs(source, text=PROGRAM + b"# newer\n")
    assert layers(tmp_path / "cache", source, Silent()) != (result,)


def test_etcd_of_the_folder_is_taken_before_debians(tmp_path: Path) -> None:
    """kubeadm 1.36 starts etcd with flags of etcd 3.6, which Debian's etcd does not know."""
    source = programs(tmp_path / "bin", (*REQUIRED, "etcd"))
    (root,) = layers(tmp_path / "cache", source, Silent())
    for name in ("bin/etcd", "bin/etcdctl", "bin/dash", "bin/curl", "sbin/haproxy", "sbin/keepalived"):
        (root / "usr" / name).parent.mkdir(exist_ok=True)
        (root / "usr" / name).write_bytes(PROGRAM)
    etcd = next(image for image in images_of(root, ("registry.k8s.io/etcd:3.6.8-0",)) if "/etcd:" in image.reference)
    places = {inside: path.relative_to(root) for path, inside in etcd.files}
    assert places["/usr/local/bin/etcd"] == Path("usr/local/bin/etcd")
    assert places["/usr/local/bin/etcdctl"] == Path("usr/bin/etcdctl")


def test_a_folder_that_lacks_one_is_refused_by_name(tmp_path: Path) -> None:
    source = programs(tmp_path / "bin", REQUIRED[1:])
    with pytest.raises(LabError, match=f"lacks {REQUIRED[0]}"):
        layers(tmp_path / "cache", source, Silent())


def test_a_kubeadm_lab_refuses_a_folder_without_kubelet(tmp_path: Path) -> None:
    source = programs(tmp_path / "bin")
    with pytest.raises(LabError, match="lacks crictl, kube-proxy, kubelet"):
        layers(tmp_path / "cache", source, Silent(), node=True)


def test_all_missing_programs_are_built_at_once_and_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    products: list[tuple[str, ...]] = []

    def build(names: tuple[str, ...], into: Path, progress: Silent, mirror: str | None) -> None:
        products.append(names)
        programs(into, names)

    monkeypatch.setattr(kubernetes_release, "is_reachable", lambda version: False)
    monkeypatch.setattr(kubernetes_build, "build", build)
    control, node = layers(tmp_path, None, Silent(), node=True)
    assert [sorted(path.name for path in (each / "usr/local/bin").iterdir()) for each in (control, node)] == [
        sorted(REQUIRED),
        sorted(NODE),
    ]
    assert layers(tmp_path, None, Silent()) == (control,)
    shutil.rmtree(node)
    assert layers(tmp_path, None, Silent(), node=True) == (control, node)
    assert products == [(*REQUIRED, *NODE), NODE]


def test_programs_that_do_not_run_here_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    source = programs(tmp_path / "bin", text=b"#!/bin/sh\necho wrong machine >&2\nexit 1\n")
    with pytest.raises(LabError, match="wrong machine"):
        layers(tmp_path / "cache", source, Silent())
    assert list((tmp_path / "cache/kubernetes").iterdir()) == []


class Release(BaseHTTPRequestHandler):
    """Publishes one program with its right digest and one with another's."""

    def do_GET(self) -> None:
        right = hashlib.sha256(PROGRAM).hexdigest().encode()
        name = self.path.rpartition("/")[2]
        answers = {
            "kube-apiserver": PROGRAM,
            "kube-apiserver.sha256": right,
            "kubeadm": PROGRAM + b"tampered",
            "kubeadm.sha256": right,
        }
        body = answers.get(name)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Release) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_release_is_downloaded_and_checked(site: str, tmp_path: Path) -> None:
    assert kubernetes_release.is_reachable("v1.20.2", site=site)
    kubernetes_release.download("v1.20.2", ("kube-apiserver",), tmp_path, Silent(), site=site)
    assert (tmp_path / "kube-apiserver").read_bytes() == PROGRAM


def test_a_program_that_is_not_what_was_published_is_refused(site: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="published is"):
        kubernetes_release.download("v1.20.2", ("kubeadm",), tmp_path, Silent(), site=site)


def test_a_missing_program_is_reported_with_its_address(site: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="kube-scheduler cannot be downloaded: HTTP Error 404"):
        kubernetes_release.download("v1.20.2", ("kube-scheduler",), tmp_path, Silent(), site=site)


def test_an_unreachable_site_is_known_soon() -> None:
    assert not kubernetes_release.is_reachable("v1.20.2", site="http://127.0.0.1:9")
