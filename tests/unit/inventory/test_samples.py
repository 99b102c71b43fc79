"""The sample inventories are valid, their comments are true, and they fit the JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from haconsole.cli.inventory import json_schema
from haconsole.inventory import effective
from haconsole.inventory.load import examine, load
from haconsole.inventory.schema import CaKeyPlace, Deployment, DiscoveryKind, EtcdPlacement, EtcdTls, Inventory
from haconsole.model.hosts import Role

FOLDER = Path(__file__).parents[3] / "sample-inventories"
SAMPLES = sorted(FOLDER.glob("*.yaml"))


def sample(name: str) -> Inventory:
    return load(FOLDER / f"{name}.yaml")


def addresses(inventory: Inventory, role: Role) -> list[str]:
    return [host.address for host in inventory.with_role(role)]


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_a_sample(path: Path) -> None:
    examined = examine(path.read_bytes(), path.name, path.parent)
    assert examined.problems == ()
    assert examined.inventory is not None


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_fits_the_json_schema(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    assert [error.message for error in validator.iter_errors(document(path))] == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_json_schema_refuses_unknown_keys(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    value = document(path)
    for part in (value, value["hosts"][0], value.setdefault("etcd", {})):
        part["colour"] = "red"
        assert "colour" in next(validator.iter_errors(value)).message
        del part["colour"]


def test_every_sample_is_in_the_list() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in SAMPLES if f"[{path.name}]({path.name})" not in listed] == []
    assert len(SAMPLES) == 14


def test_the_lab_does_everything_on_three_hosts() -> None:
    lab = sample("lab")
    assert [host.name for host in lab.hosts] == ["cp1", "cp2", "cp3"]
    assert all(set(host.roles) == {Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER} for host in lab.hosts)
    assert effective.endpoint(lab) == ("10.99.0.100", 8443)


def test_etcd_by_systemd_has_members_with_names_of_their_own() -> None:
    etcd = sample("etcd-systemd")
    assert addresses(etcd, Role.ETCD) == ["192.168.8.66", "192.168.8.67", "192.168.8.68"]
    assert [effective.etcd_name(host) for host in etcd.hosts] == ["infra1", "infra2", "infra3"]
    assert (etcd.kubernetes, etcd.etcd.config_file) == (None, "/etc/etcd/etcd.conf")


def test_etcd_runs_as_static_pods_without_a_control_plane() -> None:
    pods = sample("etcd-static-pods")
    assert (pods.etcd.placement, pods.etcd.token) == (EtcdPlacement.STATIC_POD, "my-etcd-token")


@pytest.mark.parametrize("kind", DiscoveryKind)
def test_etcd_is_discovered_in_three_ways(kind: DiscoveryKind) -> None:
    result = sample(f"etcd-discovery-{kind}")
    assert result.etcd.discovery.kind is kind
    assert addresses(result, Role.ETCD) == ["172.31.3.80", "172.31.14.133", "172.31.13.239"]
    assert (result.etcd.tls is EtcdTls.AUTO) == (kind is DiscoveryKind.STATIC)


def test_certificates_are_signed_by_a_key_that_stays_with_the_operator() -> None:
    signed = sample("certificates")
    assert signed.pki.ca_key is CaKeyPlace.OPERATOR
    assert signed.kubernetes is not None
    assert signed.kubernetes.extra_sans == ("api.internal.example.com", "203.0.113.10")


@pytest.mark.parametrize("name", ["keepalived-haproxy", "control-plane-systemd"])
def test_the_vip_is_in_front_of_three_masters(name: str) -> None:
    masters = sample(name)
    assert addresses(masters, Role.LOAD_BALANCER) == ["172.20.0.113", "172.20.0.114", "172.20.0.115"]
    assert list(effective.vrrp_priorities(masters).values()) == [100, 90, 80]
    assert effective.endpoint(masters) == ("172.20.0.224", 9443)


def test_the_password_of_a_sample_is_not_printed() -> None:
    inventory = sample("keepalived-haproxy")
    assert inventory.vips[0].auth_pass is not None
    assert inventory.vips[0].auth_pass.reveal() == "1111"
    assert "1111" not in repr(inventory)


def test_kubeadm_takes_etcd_from_other_hosts() -> None:
    outside = sample("kubeadm-external-etcd")
    assert outside.kubernetes is not None
    assert (outside.kubernetes.deployment, outside.etcd.placement) == (Deployment.KUBEADM, EtcdPlacement.SYSTEMD)
    assert [host.name for host in outside.with_role(Role.CONTROL_PLANE)] == ["master01", "master02"]
    assert not {host.name for host in outside.with_role(Role.ETCD)} & {"master01", "master02"}


def test_everything_goes_through_the_bastion_but_the_bastion() -> None:
    aws = sample("kubeadm-aws-bastion")
    ways = {host.name: effective.ssh_for(aws, host) for host in aws.hosts}
    assert (ways["bastion"].address, ways["bastion"].jump) == ("3.114.12.155", None)
    assert {way.jump for name, way in ways.items() if name != "bastion"} == {"bastion"}
    assert ways["kube-master-1"].address == "10.0.1.100"
