"""A host's own files are copied; unchanging files of containerd's folder are shared."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.lab import disks, state
from haconsole.lab.errors import LabError
from haconsole.lab.places import Places
from haconsole.lab.saved import read_saved, saved_folder, write_saved
from haconsole.lab.spec import LabSpec

BLOB = "io.containerd.content.v1.content/blobs/sha256/abc"
IMPORTED = "io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/program"
WRITABLE = "io.containerd.snapshotter.v1.overlayfs/snapshots/9/fs/data"
DATABASES = ("io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.overlayfs/metadata.db")


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def shared(one: Path, other: Path) -> bool:
    assert one.read_text() == other.read_text()
    return one.stat().st_ino == other.stat().st_ino


def test_hosts_share_images_and_nothing_they_write(tmp_path: Path) -> None:
    images = put(tmp_path / "images", BLOB, IMPORTED, *DATABASES)
    host = tmp_path / "cp1"
    disks.make_bound_folders(host, images)
    own = host / "data/containerd"
    assert shared(images / BLOB, own / BLOB)
    assert shared(images / IMPORTED, own / IMPORTED)
    assert not any(shared(images / name, own / name) for name in DATABASES)
    put(own, WRITABLE)
    put(host / "data/etcd", "member/wal")
    put(host / "upper", "etc/hostname")
    copy = tmp_path / "saved"
    disks.copy_disks(host, copy, images)
    assert shared(own / BLOB, copy / "data/containerd" / BLOB)
    assert not shared(own / WRITABLE, copy / "data/containerd" / WRITABLE)
    assert not shared(host / "data/etcd/member/wal", copy / "data/etcd/member/wal")
    assert not shared(host / "upper/etc/hostname", copy / "upper/etc/hostname")


def test_folders_of_a_host_are_made_once(tmp_path: Path) -> None:
    images = put(tmp_path / "images", BLOB, IMPORTED, *DATABASES)
    disks.make_bound_folders(tmp_path / "cp1", images)
    put(tmp_path / "cp1/data/containerd", WRITABLE)
    disks.make_bound_folders(tmp_path / "cp1", images)
    assert (tmp_path / "cp1/data/containerd" / WRITABLE).exists()


def test_a_saved_lab_is_a_name_in_the_cache_or_a_folder(tmp_path: Path) -> None:
    places = Places(tmp_path / "labs", tmp_path / "cache")
    assert saved_folder(places, "ready") == tmp_path / "cache/saved/ready"
    assert saved_folder(places, "/srv/ready") == Path("/srv/ready")
    with pytest.raises(LabError, match="cannot be a lab's name"):
        saved_folder(places, "..")


def test_a_saved_lab_whose_layers_are_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no saved lab"):
        read_saved(tmp_path / "saved", "other")
    layer = tmp_path / "layer"
    layer.mkdir()
    state.save(tmp_path / "saved", LabSpec("drill", 4, layers=(str(layer),)))
    assert read_saved(tmp_path / "saved", "other") == LabSpec("other", 4, layers=(str(layer),))
    layer.rmdir()
    with pytest.raises(LabError, match=r"needs .*layer, which is gone"):
        read_saved(tmp_path / "saved", "other")


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    put(tmp_path / "photos", "holiday")
    with pytest.raises(LabError, match="is not a saved lab"):
        write_saved(LabSpec("drill", 4), tmp_path, tmp_path / "photos", (), lambda work, hosts: None)
    assert (tmp_path / "photos/holiday").exists()
