"""The inventory a lab writes is one the program reads as it was meant."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from haconsole.inventory.effective import endpoint, jump_for, ssh_for
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Deployment, EtcdPlacement, Inventory
from haconsole.lab.inventory_file import inventory_text
from haconsole.lab.spec import Balancer, EtcdTopology, KubeadmSpec, LabSpec
from haconsole.model.hosts import Role

FOLDER = Path("/srv/labs/drill")


def read(spec: LabSpec) -> Inventory:
    inventory = parse(inventory_text(spec, FOLDER), "inventory.yaml", FOLDER)
    assert isinstance(inventory, Inventory)
    return inventory


def test_three_bare_hosts() -> None:
    inventory = read(LabSpec("drill", 7, workers=1))
    assert [host.address for host in inventory.with_role(Role.ETCD)] == ["10.99.7.11", "10.99.7.12", "10.99.7.13"]
    assert [host.name for host in inventory.with_role(Role.WORKER)] == ["w1"]
    assert endpoint(inventory) == ("10.99.7.100", 8443)
    login = ssh_for(inventory, inventory.hosts[0])
    assert (login.user, login.identity_file, login.jump) == ("ops", FOLDER / "key", None)


def test_the_version_of_the_programs_is_in_the_file() -> None:
    text = inventory_text(LabSpec("drill", 7), FOLDER, "v1.20.2")
    inventory = parse(text, "inventory.yaml", FOLDER)
    assert isinstance(inventory, Inventory)
    assert inventory.kubernetes is not None
    assert inventory.kubernetes.version == "v1.20.2"


@pytest.mark.parametrize(("version", "newer"), [("v1.20.2", False), ("v1.34.9", False), ("v1.35.0", True)])
def test_kubelet_may_run_on_cgroup_v1_only_if_its_release_refuses_it(version: str, newer: bool) -> None:
    """An older kubelet does not know the key, and a newer one refuses the machine's control groups without it."""
    inventory = parse(inventory_text(LabSpec("drill", 7, kubeadm=KubeadmSpec()), FOLDER, version), "i.yaml", FOLDER)
    assert isinstance(inventory, Inventory)
    assert inventory.kubernetes is not None
    settings = inventory.kubernetes.kubeadm
    assert settings.kubelet == {"failSwapOn": False, **({"failCgroupV1": False} if newer else {})}
    assert tuple(settings.ignore_preflight_errors) == (("SystemVerification",) if newer else ())


def test_behind_a_bastion_every_other_host_is_reached_through_it() -> None:
    inventory = read(LabSpec("drill", 7, control_planes=1, bastion=True))
    assert {host.name: jump_for(inventory, host) for host in inventory.hosts} == {"cp1": "bastion", "bastion": None}


@pytest.mark.parametrize("etcd", EtcdTopology)
@pytest.mark.parametrize("balancer", Balancer)
def test_a_kubeadm_lab_is_valid_whatever_its_layout(etcd: EtcdTopology, balancer: Balancer) -> None:
    spec = LabSpec("drill", 7, workers=1, kubeadm=KubeadmSpec(etcd, balancer))
    inventory = read(spec)
    assert inventory.kubernetes is not None
    assert inventory.kubernetes.deployment is Deployment.KUBEADM
    addresses = [ip_address(host.address) for host in spec.hosts]
    service = ip_network(inventory.kubernetes.service_cidr)
    assert not any(address in service for address in addresses)
    stacked = etcd is EtcdTopology.STACKED
    assert [host.name for host in inventory.with_role(Role.ETCD)] == [
        f"{'cp' if stacked else 'etcd'}{number}" for number in (1, 2, 3)
    ]
    assert inventory.etcd.placement is (EtcdPlacement.STATIC_POD if stacked else EtcdPlacement.SYSTEMD)
    balanced = balancer is not Balancer.NONE
    assert endpoint(inventory) == (("10.99.7.100", 8443) if balanced else ("10.99.7.11", 6443))
    assert len(inventory.with_role(Role.LOAD_BALANCER)) == len(inventory.vips) * 3 == (3 if balanced else 0)
