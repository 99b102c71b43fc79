"""The recipe that builds Kubernetes from Debian's source, as far as it can be known without building."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.lab.errors import LabImpossibleError
from haconsole.lab.kubernetes_build import linker_flags, marked_folders, source_list

TARGETS = """\
Debian http://deb.debian.org/debian/ bookworm
Debian http://deb.debian.org/debian/ bookworm-updates
Debian http://deb.debian.org/debian-security/ bookworm-security
Node http://deb.nodesource.com/node_20.x/ nodistro
 http://local.example/archive/ stable
"""


def test_source_archives_are_the_debian_ones_that_apt_uses() -> None:
    lines = source_list(TARGETS).splitlines()
    assert [line.split("] ")[1] for line in lines] == [
        "http://deb.debian.org/debian-security/ bookworm-security main",
        "http://deb.debian.org/debian/ bookworm main",
        "http://deb.debian.org/debian/ bookworm-updates main",
    ]
    assert all(line.startswith("deb-src [signed-by=/usr/share/keyrings/") for line in lines)


def test_without_a_debian_archive_the_way_out_is_named() -> None:
    with pytest.raises(LabImpossibleError, match="--mirror URL"):
        source_list("Node http://deb.nodesource.com/node_20.x/ nodistro\n")


def test_the_version_is_linked_in() -> None:
    flags = linker_flags("v1.20.2").split()
    assert flags[:2] == ["-s", "-w"]
    assert "k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitMinor=20" in flags


def test_folders_that_need_an_api_description(tmp_path: Path) -> None:
    marked = b"// +k8s:openapi-gen=true\npackage v1\n"
    staged = tmp_path / "staging/api/core/v1"
    for folder in (staged, tmp_path / "pkg/apis", tmp_path / "pkg/testdata", tmp_path / "vendor/k8s.io/gengo"):
        folder.mkdir(parents=True)
        (folder / "types.go").write_bytes(marked)
    (tmp_path / "pkg/plain").mkdir()
    (tmp_path / "pkg/plain/code.go").write_bytes(b"package plain\n")
    (tmp_path / "vendor/k8s.io/api").symlink_to(tmp_path / "staging/api")
    assert marked_folders(tmp_path) == ("pkg/apis", "vendor/k8s.io/api/core/v1")
