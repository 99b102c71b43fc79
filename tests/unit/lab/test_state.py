"""A lab's record and its locks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from haconsole.lab import network, state
from haconsole.lab.errors import LabError
from haconsole.lab.lab import mounts_below
from haconsole.lab.making import claim
from haconsole.lab.network import free_subnet
from haconsole.lab.places import Places
from haconsole.lab.shape import LabGround, LabShape
from haconsole.lab.spec import Debian, EtcdTopology, KubeadmSpec, LabSpec


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    spec = LabSpec("drill", 4, workers=2, layers=("/a", "/b"), debian=Debian.TRIXIE, kubeadm=KubeadmSpec(), images="/c")
    assert state.load(tmp_path / "drill") is None
    state.save(tmp_path / "drill", spec)
    assert state.load(tmp_path / "drill") == spec
    assert state.recorded(tmp_path) == (spec,)
    assert (tmp_path / "drill").stat().st_mode & 0o777 == 0o700


def test_the_error_of_a_damaged_record_has_a_hint(tmp_path: Path) -> None:
    (tmp_path / "lab.json").write_text("{")
    with pytest.raises(LabError, match=r"is damaged.*lab down"):
        state.load(tmp_path)


def test_a_lock_keeps_others_out_and_leaves_no_file(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with state.locked(tmp_path, "drill"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (80, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_free_subnet_is_the_preferred_or_the_lowest() -> None:
    assert free_subnet(0, frozenset()) == 0
    assert free_subnet(0, frozenset({0, 1, 2})) == 3
    assert free_subnet(1, frozenset({3}), reserved=frozenset({1, 2})) == 4
    assert free_subnet(1, frozenset(range(2, 256)), reserved=frozenset({1})) == 1
    with pytest.raises(LabError, match=r"no 10.99.X.0/24"):
        free_subnet(0, frozenset(range(256)))


def test_a_new_lab_leaves_the_subnet_of_a_saved_one_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "subnets_in_use", lambda: frozenset({2}))
    places = Places(tmp_path / "labs", tmp_path / "cache")
    state.save(places.cache / "saved" / "kept", LabSpec("kept", 1))
    assert claim(places, "drill", LabShape(), LabGround(())).subnet == 3


@pytest.mark.parametrize("lab_shape", [LabShape(hosts=5), LabShape(workers=1), LabShape(bastion=True)])
def test_a_lab_that_is_there_is_not_reshaped(lab_shape: LabShape) -> None:
    there = LabSpec("drill", 1)
    LabShape().check(there)
    LabShape(hosts=3, workers=0, bastion=False).check(there)
    with pytest.raises(LabError, match="3 control planes, 0 workers and no bastion"):
        lab_shape.check(there)


def test_mounts_are_found_deepest_first() -> None:
    assert mounts_below(Path("/"))[-1] == Path("/")
    assert mounts_below(Path("/no/such/place")) == ()


STACKED, EXTERNAL = KubeadmSpec(), KubeadmSpec(EtcdTopology.EXTERNAL)


@pytest.mark.parametrize(
    ("there", "lab_shape", "message"),
    [
        (LabSpec("drill", 1), LabShape(debian=Debian.TRIXIE), "exists with Debian bookworm"),
        (LabSpec("drill", 1), LabShape(kubeadm=STACKED), "exists with no kubeadm"),
        (LabSpec("drill", 1, kubeadm=EXTERNAL), LabShape(kubeadm=STACKED), "etcd external, balancer hosts"),
    ],
)
def test_hosts_of_another_kind_are_refused(there: LabSpec, lab_shape: LabShape, message: str) -> None:
    LabShape().check(there)
    with pytest.raises(LabError, match=message):
        lab_shape.check(there)
