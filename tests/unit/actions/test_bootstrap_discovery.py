"""Bootstrap of members that find each other by a service: names, settings of the first start and after it."""

from __future__ import annotations

import msgspec
import pytest

from haconsole.actions.bootstrap.leaves import etcd_sans
from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.checks import AnyOf, CommandSucceeds
from haconsole.actions.operations import RunCommand, WriteFile
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.step import Plan, Step
from haconsole.configs.etcd import etcd_env
from haconsole.configs.unit_digests import digest
from haconsole.inventory.schema import DiscoveryKind, EtcdTls, Inventory
from tests.fakes.cluster import INVENTORY, healthy
from tests.unit.actions.test_bootstrap_plan import planned
from tests.unit.configs import samples

KINDS = (DiscoveryKind.URL, DiscoveryKind.SRV)


def inventory(kind: DiscoveryKind) -> Inventory:
    return samples.etcd_only(kind, EtcdTls.CERTIFICATES)


def steps(plan: Plan) -> dict[str, Step]:
    return {step.id: step for step in plan.steps}


@pytest.mark.parametrize("kind", KINDS)
def test_discovery_is_for_the_first_start_only(kind: DiscoveryKind) -> None:
    plan = steps(planned(inventory(kind)))
    first, later = plan["etcd.env@e2"], plan["etcd.env-settled@e2"]
    assert isinstance(first.operation, WriteFile)
    assert isinstance(later.operation, RunCommand)
    assert "ETCD_DISCOVERY" in first.operation.content
    assert "ETCD_DISCOVERY" not in (later.operation.stdin or "")
    assert "ETCD_INITIAL_CLUSTER=e1=" in (later.operation.stdin or "")
    assert {f"etcd.start@e{number}" for number in (1, 2, 3)} <= {*later.needs}
    (either,) = first.verification
    assert isinstance(either, AnyOf)
    assert later.verification in either.alternatives, "a second run changes nothing"


def test_a_list_of_members_is_not_replaced() -> None:
    assert not [name for name in steps(planned(inventory(DiscoveryKind.STATIC))) if "settled" in name]


def test_one_member_too_many_does_not_become_a_proxy() -> None:
    result = inventory(DiscoveryKind.URL)
    assert "ETCD_DISCOVERY_FALLBACK=exit" in etcd_env(result, result.hosts[0], discover=True).splitlines()


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_of_discovery_is_no_changed_setting(kind: DiscoveryKind) -> None:
    result = inventory(kind)
    first, later = etcd_env(result, result.hosts[0], discover=True), etcd_env(result, result.hosts[0])
    assert first != later
    assert digest(first) == digest(later)


def test_certificates_have_the_names_of_srv_records() -> None:
    result = inventory(DiscoveryKind.SRV)
    host = msgspec.structs.replace(result.hosts[0], ssh_address="a.etcd.example", etcd_name="first")
    names = ("DNS:etcd.example", "DNS:e1.etcd.example", "DNS:first.etcd.example", "DNS:a.etcd.example")
    assert set(names) <= {*etcd_sans(result, host)}
    outside = msgspec.structs.replace(host, ssh_address="jump.example.org")
    assert "DNS:jump.example.org" not in etcd_sans(result, outside)
    assert not [name for name in etcd_sans(inventory(DiscoveryKind.URL), host) if "etcd.example" in name]


def test_hosts_must_reach_the_discovery_service_before_the_first_start_only() -> None:
    result = inventory(DiscoveryKind.URL)
    assert "the discovery service" in _reached(planned(result))
    running = msgspec.structs.replace(INVENTORY, etcd=result.etcd)
    later = plan_bootstrap(healthy(), running, BootstrapPart.ETCD)
    assert isinstance(later, Plan)
    assert "the discovery service" not in _reached(later, "cp1")


def _reached(plan: Plan, host: str = "e1") -> tuple[str, ...]:
    (check,) = steps(plan)[f"preflight.reach@{host}"].verification
    assert isinstance(check, CommandSucceeds)
    return check.argv
