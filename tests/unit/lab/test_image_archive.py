"""Image archives are ones that `ctr images import` accepts, and equal files make equal archives."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

from haconsole.lab.image_archive import Image, write_archive


def archive_of(tmp_path: Path, name: str = "image.tar") -> Path:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF" + b"x" * 5000)
    files = ((program, "/usr/local/bin/program"), (program, "/usr/local/bin/other"))
    write_archive(Image("k8s.gcr.io/program:v1", files, ("/usr/local/bin/program", "--flag")), tmp_path / name)
    return tmp_path / name


def read(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as files:
        member = files.extractfile(name)
        assert member is not None
        return member.read()


def test_every_digest_is_of_what_it_names(tmp_path: Path) -> None:
    archive = archive_of(tmp_path)
    (entry,) = json.loads(read(archive, "manifest.json"))
    configuration = read(archive, entry["Config"])
    layer = read(archive, entry["Layers"][0])
    assert entry["RepoTags"] == ["k8s.gcr.io/program:v1"]
    assert entry["Config"] == f"{hashlib.sha256(configuration).hexdigest()}.json"
    assert json.loads(configuration)["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert json.loads(configuration)["config"]["Entrypoint"] == ["/usr/local/bin/program", "--flag"]


def test_a_layer_has_every_folder_once_and_before_its_files(tmp_path: Path) -> None:
    archive = archive_of(tmp_path)
    (entry,) = json.loads(read(archive, "manifest.json"))
    (tmp_path / "layer.tar").write_bytes(read(archive, entry["Layers"][0]))
    with tarfile.open(tmp_path / "layer.tar") as layer:
        members = layer.getmembers()
    names = [member.name for member in members]
    assert len(names) == len(set(names))
    for member in members:
        parent = member.name.rpartition("/")[0]
        assert not parent or names.index(parent) < names.index(member.name)
    modes = {member.name: member.mode for member in members}
    assert (modes["tmp"], modes["usr/local/bin/program"]) == (0o1777, 0o755)
    assert "etc/passwd" in modes


def test_equal_files_make_an_equal_archive(tmp_path: Path) -> None:
    assert archive_of(tmp_path, "one.tar").read_bytes() == archive_of(tmp_path, "two.tar").read_bytes()
