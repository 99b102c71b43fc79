"""Names of labs and of their parts."""

from __future__ import annotations

import pytest

from haconsole.lab.errors import LabError
from haconsole.lab.spec import LabSpec, check_name, check_size


def test_hosts_have_their_places_in_the_subnet() -> None:
    spec = LabSpec("drill", 7, control_planes=2, workers=1, bastion=True)
    assert [(host.name, host.address) for host in spec.hosts] == [
        ("cp1", "10.99.7.11"),
        ("cp2", "10.99.7.12"),
        ("w1", "10.99.7.51"),
        ("bastion", "10.99.7.5"),
    ]
    assert spec.vip == "10.99.7.100"


@pytest.mark.parametrize("name", ["lab", "a", "a-name-that-is-quite-long-for-it", "another-name-that-is-quite-long"])
def test_a_link_name_fits_the_kernel(name: str) -> None:
    assert len(LabSpec(check_name(name), 0).machine_link) <= 15


def test_labs_whose_names_begin_alike_share_nothing() -> None:
    one, other = LabSpec("practice-east", 1), LabSpec("practice-eastern", 2)
    assert one.machine_link != other.machine_link
    assert LabSpec("a", 1).namespace("cp1") != LabSpec("a-cp1", 2).switch
    assert one.hardware_address("cp1") != other.hardware_address("cp1")
    assert one.machine_id("cp1") != other.machine_id("cp1")


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "lab-", "a.b", "../x", "x" * 33, "a b"])
def test_names_unfit_for_files_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="cannot be a lab's name"):
        check_name(name)


@pytest.mark.parametrize(("planes", "workers"), [(0, 0), (40, 0), (3, 41), (3, -1)])
def test_sizes_without_addresses_are_refused(planes: int, workers: int) -> None:
    with pytest.raises(LabError, match="a lab has"):
        check_size(planes, workers)
