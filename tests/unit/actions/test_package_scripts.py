"""The scripts that install packages, programs and images, under dash and busybox ash."""

from __future__ import annotations

import io
import json
import os
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from tests.fakes.script_host import Place

pytestmark = pytest.mark.usefixtures("posix_shell")


def apt_host(place: Place, after: str) -> None:
    """A host whose apt-get installs `after`; its units are enabled by that."""
    state = place.file("dpkg", "ii  base\n")
    place.program("dpkg-query", f"cat {state}")
    place.program("apt-get", f"case $* in *install*) printf '{after}' >>{state}; touch {place.folder}/enabled ;; esac")
    units = f"echo 'ssh.service enabled'; [ ! -e {place.folder}/enabled ] || echo 'etcd.service enabled'"
    place.program("systemctl", f"case $1 in list-unit-files) {units} ;; esac")
    (place.folder / "usr/sbin").mkdir(parents=True)


def test_packages_are_installed_without_starts_and_recorded(place: Place) -> None:
    apt_host(place, "ii  etcd-server\\nhi  libfoo\\nrc  gone\\n")
    record = place.folder / "state/packages.added"
    place.output_of("prepare-packages", "apt", str(record), "yes", "-", "etcd-server=3.5*")
    assert record.read_text().split() == ["etcd-server", "libfoo"]
    calls = place.calls()
    assert "apt-get -q -o DPkg::Lock::Timeout=120 update" in calls
    assert any(call.endswith("--no-install-recommends install etcd-server=3.5*") for call in calls)
    assert "systemctl disable --quiet -- etcd.service" in calls
    assert not (place.folder / "usr/sbin/policy-rc.d").exists()
    assert not Path(f"{record}.before").exists()


def test_package_files_are_named_by_their_paths(place: Place) -> None:
    apt_host(place, "")
    place.file("files/kubelet_1.deb", "")
    place.output_of("prepare-packages", "apt", str(place.folder / "r"), "no", str(place.folder / "files"), "kubelet")
    install = next(call for call in place.calls() if " install " in call)
    assert install.endswith(f"install {place.folder}/files/kubelet_1.deb kubelet")
    place.program("rpm", "echo base")
    place.program("dnf")
    place.file("files/kubelet-1.rpm", "")
    place.output_of(
        "prepare-packages", "dnf", str(place.folder / "r"), "no", str(place.folder / "files"), "kubelet-1.31.4"
    )
    install = next(call for call in place.calls() if call.startswith("dnf"))
    assert install == (
        "dnf -y --setopt=install_weak_deps=False --disableexcludes=all install "
        f"{place.folder}/files/kubelet-1.rpm kubelet-1.31.4"
    )


def test_only_a_package_whose_program_is_gone_is_installed_again(place: Place) -> None:
    apt_host(place, "ii  etcd-server\\n")
    place.output_of("prepare-packages", "apt", str(place.folder / "r"), "no", "-", "etcd-server", "base")
    calls = [call for call in place.calls() if "--reinstall" in call]
    assert calls == ["apt-get -qy -o DPkg::Lock::Timeout=120 --reinstall install base"]
    assert (place.folder / "r").read_text().split() == ["etcd-server"]


def test_a_package_whose_program_is_gone_comes_from_the_package_files(place: Place) -> None:
    apt_host(place, "")
    for name in ("base", "kubelet"):
        place.file(f"files/{name}.deb", "")
    place.program("dpkg-deb", 'name=${2##*/}; echo "${name%.deb}"')
    place.output_of("prepare-packages", "apt", str(place.folder / "r"), "no", str(place.folder / "files"), "base")
    (last,) = (call for call in place.calls() if "--reinstall" in call)
    assert last.endswith(f"--reinstall install {place.folder}/files/base.deb")


def test_dnf_installs_a_package_again_whose_program_is_gone(place: Place) -> None:
    place.program("rpm", "echo iproute")
    place.program("dnf")
    place.output_of("prepare-packages", "dnf", str(place.folder / "r"), "no", "-", "iproute", "openssl")
    (last,) = (call for call in place.calls() if " reinstall " in call)
    assert last == "dnf -y --disableexcludes=all reinstall iproute"


def test_a_failed_installation_is_recorded_too_and_ends_with_its_status(place: Place) -> None:
    apt_host(place, "")
    place.program("apt-get", f"printf 'ii  half\\n' >>{place.folder}/dpkg; exit 100")
    result = place.run("prepare-packages", "apt", str(place.folder / "state/added"), "no", "-", "etcd-server")
    assert result.returncode == 100
    assert (place.folder / "state/added").read_text() == "half\n"
    assert not (place.folder / "usr/sbin/policy-rc.d").exists()


def test_a_policy_of_the_site_is_kept(place: Place) -> None:
    apt_host(place, "")
    policy = place.file("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n")
    place.output_of("prepare-packages", "apt", str(place.folder / "state/added"), "no", "-", "etcd-server")
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_added_packages_are_removed_unless_others_depend_on_them(place: Place) -> None:
    record = place.file("state/added", "etcd-server\nlibfoo\n")
    place.program("dpkg-query", "echo -n installed")
    place.program("apt-get", "case $* in *-qs*) echo 'Remv etcd-server [1]'; echo 'Remv backup-tool [1]' ;; esac")
    result = place.run("remove-packages", "apt", str(record))
    assert result.returncode == 1
    assert "backup-tool" in result.stderr
    assert record.exists()
    place.program("apt-get")
    place.output_of("remove-packages", "apt", str(record))
    assert place.calls()[-1] == "apt-get -qy -o DPkg::Lock::Timeout=120 remove etcd-server libfoo"
    assert not record.exists()


def test_holds_are_recorded_and_only_those_are_ended(place: Place) -> None:
    record = place.folder / "state/held"
    place.program("dpkg-query", "for name; do :; done; [ $name != absent ] && echo -n installed")
    place.program("apt-mark", f"case $1 in showhold) echo kubelet; cat {record} 2>/dev/null ;; esac; :")
    assert place.run("check-held", "apt", "kubelet", "haproxy", "absent").stderr == "haproxy is not held\n"
    place.output_of("hold-packages", "apt", str(record), "kubelet", "haproxy", "absent")
    assert record.read_text() == "haproxy\n"
    place.output_of("check-held", "apt", "kubelet", "haproxy", "absent")
    place.calls()
    place.output_of("unhold-packages", "apt", str(record))
    assert place.calls() == ["apt-mark unhold haproxy"]
    assert not record.exists()


def test_dnf_locks_versions(place: Place) -> None:
    place.program("rpm", "exit 0")
    place.program("dnf", "case $* in *list*) echo 'kubelet-0:1.31.4-1.*' ;; esac")
    record = place.folder / "held"
    place.output_of("hold-packages", "dnf", str(record), "kubelet", "kubeadm")
    assert "dnf -q versionlock add kubeadm" in place.calls()
    assert record.read_text() == "kubeadm\n"


def archive(path: Path, files: dict[str, str]) -> str:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return sha256(path.read_bytes()).hexdigest()


@pytest.mark.skipif(os.geteuid() != 0, reason="programs belong to root")
def test_programs_of_a_release_are_verified_and_existing_ones_kept(place: Place) -> None:
    path = place.folder / "kubernetes.tar.gz"
    digest = archive(path, {"kubernetes/server/bin/kubelet": "new", "kubernetes/server/bin/kubeadm": "new"})
    old = place.file("usr/bin/kubeadm", "old")
    targets = (str(place.folder / "usr/bin/kubelet"), str(old))
    record = place.folder / "state/kubernetes.programs"
    wrong = place.run("prepare-programs", str(record), str(path), "0" * 64, *targets)
    assert wrong.returncode == 1
    assert "does not have the SHA-256" in wrong.stderr
    assert not Path(targets[0]).exists()
    place.output_of("prepare-programs", str(record), str(path), digest, *targets)
    assert (Path(targets[0]).read_text(), old.read_text()) == ("new", "old")
    assert Path(targets[0]).stat().st_mode & 0o777 == 0o755
    missing = place.run("prepare-programs", str(record), str(path), digest, str(place.folder / "usr/bin/etcd"))
    assert "the release has no program etcd" in missing.stderr
    assert not Path(f"{path}.unpacked").exists()
    place.output_of("prepare-programs", str(record), str(path), digest, *targets)
    place.output_of("remove-programs", str(record))
    assert (Path(targets[0]).exists(), old.read_text(), record.exists()) == (False, "old", False)
    place.output_of("remove-programs", str(record))


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_images_of_an_archive_are_found_in_containerd(place: Place, form: str) -> None:
    path = place.folder / "images.tar"
    names = ["registry.k8s.io/kube-apiserver:v1.31.4", "registry.k8s.io/pause:3.10"]
    docker = json.dumps([{"Config": "c", "RepoTags": [name], "Layers": ["l"]} for name in names])
    notes = [{"annotations": {"io.containerd.image.name": name}} for name in names]
    text = ("manifest.json", docker) if form == "docker" else ("index.json", json.dumps({"manifests": notes}))
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo(text[0])
        entry.size = len(text[1])
        tar.addfile(entry, io.BytesIO(text[1].encode()))
    place.program("ctr", f"echo {names[0]}")
    assert place.run("check-images", str(path)).stderr == f"the image {names[1]} is missing\n"
    place.program("ctr", f"printf '{names[0]}\\n{names[1]}\\n'")
    place.output_of("check-images", str(path))
    assert place.run("check-images", str(place.folder / "none.tar")).returncode == 1
