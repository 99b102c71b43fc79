"""Properties of every bootstrap plan, whatever the inventory."""

from __future__ import annotations

import json
from itertools import product

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.describe import undo_line
from haconsole.actions.operations import IssueCertificate, LeftByUndo, Nothing, RunCommand, WriteFile
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.execution.log.codec import to_json
from haconsole.inventory.schema import (
    DiscoveryKind,
    EtcdTls,
    Host,
    Inventory,
    Kubernetes,
    Pki,
    VirtualIp,
)
from haconsole.model.hosts import Role, ServiceState
from haconsole.model.observed import Known
from tests.fakes.cluster import INVENTORY as CLUSTER
from tests.fakes.cluster import NOW, bare, changed, etcd_silent, healthy, units
from tests.unit.configs import samples


def planned(inventory: Inventory, only: BootstrapPart | None = None) -> Plan:
    plan = plan_bootstrap(bare(inventory), inventory, only)
    assert isinstance(plan, Plan), plan.reasons
    return plan


def spread() -> Inventory:
    return msgspec.structs.replace(samples.spread(), pki=Pki())


def without_vip() -> Inventory:
    """One balancer and no VIP."""
    hosts = (
        Host(name="lb", address="192.0.2.1", roles=(Role.LOAD_BALANCER,)),
        Host(name="m1", address="192.0.2.2", roles=(Role.CONTROL_PLANE, Role.ETCD)),
    )
    return Inventory(cluster="one", hosts=hosts, kubernetes=Kubernetes())


INVENTORIES = {
    "lab": samples.lab(),
    "spread": spread(),
    "ipv6": samples.ipv6(),
    "without-vip": without_vip(),
    "etcd-http": samples.etcd_only(DiscoveryKind.STATIC, EtcdTls.OFF),
    "etcd-srv": samples.etcd_only(DiscoveryKind.SRV, EtcdTls.CERTIFICATES),
}
PLANS: dict[str, Plan] = {name: planned(inventory) for name, inventory in INVENTORIES.items()}
PLANS |= {
    f"{name}-{part}": planned(INVENTORIES[name], part) for name, part in product(("lab", "spread"), BootstrapPart)
}
every_plan = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)


def steps_by_id(plan: Plan) -> dict[str, Step]:
    return {step.id: step for step in plan.steps}


@every_plan
def test_ids_are_unique_and_name_the_host(plan: Plan) -> None:
    assert len(steps_by_id(plan)) == len(plan.steps)
    assert all(step.id.endswith(f"@{step.host}") for step in plan.steps)


@every_plan
def test_needs_come_earlier_so_the_graph_has_no_cycle(plan: Plan) -> None:
    readings: set[str] = set()
    for step in plan.steps:
        assert set(step.needs) <= readings, f"{step.id} needs {set(step.needs) - readings}"
        readings.add(step.id)


@every_plan
def test_every_step_has_a_reason_a_verification_and_an_undo(plan: Plan) -> None:
    for step in plan.steps:
        assert step.title
        assert step.phase
        assert step.why.endswith("."), step.id
        assert step.verification, step.id
        assert (step.undo is None) == isinstance(step.operation, Nothing), step.id


@every_plan
def test_every_change_waits_for_every_preflight(plan: Plan) -> None:
    steps = steps_by_id(plan)
    looks = {step.id for step in plan.steps if step.phase == "preflight"}

    def before(step: Step) -> set[str]:
        return set(step.needs).union(*(before(steps[need]) for need in step.needs))

    for step in plan.steps:
        if step.phase != "preflight":
            assert looks <= before(step), step.id


@every_plan
def test_no_secret_is_in_a_plan(plan: Plan) -> None:
    assert samples.PASSWORD not in repr(plan)
    assert samples.PASSWORD not in json.dumps(to_json(plan))


@every_plan
def test_no_file_is_written_by_two_steps(plan: Plan) -> None:
    text = [(step.host, step.operation.path) for step in plan.steps if isinstance(step.operation, WriteFile)]
    assert len(set(text)) == len(text)


def test_the_same_request_gives_the_same_plan() -> None:
    assert planned(samples.lab()) == planned(samples.lab())


def test_members_start_side_by_side_and_wait_for_their_own_files_only() -> None:
    steps = steps_by_id(PLANS["lab"])
    start = steps["etcd.start@cp2"]
    own = {need for need in start.needs if need.endswith("@cp2")}
    assert set(start.needs) - own == {"pki.etcd-ca@cp1"}
    assert not any("start" in need for need in start.needs)


def test_haproxy_and_keepalived_wait_neither_for_etcd_nor_for_one_another() -> None:
    steps = steps_by_id(PLANS["lab"])

    def before(step: Step) -> set[str]:
        return set(step.needs).union(*(before(steps[need]) for need in step.needs))

    assert {need.split("@")[0] for need in before(steps["haproxy.start@cp1"])} == {
        "haproxy.config",
        "haproxy.drop-in",
        "pki.kubernetes-ca",
        *(f"preflight.{what}" for what in ("programs", "ports", "disk", "leftovers", "reach")),
    }
    assert not any(need.startswith(("etcd", "haproxy")) for need in before(steps["keepalived.start@cp1"]))


def test_names_of_the_apiserver_certificate() -> None:
    step = steps_by_id(PLANS["spread"])["pki.apiserver@m2"]
    assert isinstance(step.operation, IssueCertificate)
    assert set(step.operation.sans) == {
        *("DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc"),
        *("DNS:kubernetes.default.svc.cluster.local", "DNS:m2", "DNS:localhost", "DNS:api.example.test"),
        *("DNS:k8s.example", "IP:10.1.2.3", "IP:10.254.0.1", "IP:127.0.0.1", "IP:::1"),
        *("IP:192.0.2.12", "IP:192.0.2.100", "IP:192.0.2.101"),
    }
    assert step.operation.usages == ("server",)


def test_names_of_a_members_certificates() -> None:
    steps = steps_by_id(PLANS["etcd-srv"])
    targets = {
        "DNS:e2",
        "DNS:localhost",
        "DNS:etcd.example",
        "DNS:e2.etcd.example",
        "IP:192.0.2.32",
        "IP:127.0.0.1",
        "IP:::1",
    }
    for leaf in ("server", "peer"):
        operation = steps[f"pki.etcd-{leaf}@e2"].operation
        assert isinstance(operation, IssueCertificate)
        assert set(operation.sans) == targets
        assert set(operation.usages) == {"server", "client"}
        assert operation.owner == "etcd:etcd"


def test_hosts_that_sign_nothing_get_no_ca_key() -> None:
    steps = steps_by_id(PLANS["spread"])
    trusts = {step.host for step in steps.values() if step.id.startswith("pki.etcd-ca-trust")}
    assert trusts == {"m1", "m2"}
    assert {step.host for step in steps.values() if step.id.startswith("pki.kubernetes-ca-trust")} == {"lb1", "lb2"}
    assert "pki.kubernetes-ca-trust@lb1" in steps["haproxy.start@lb1"].needs
    assert "pki.etcd-ca-trust@m1" in steps["kubernetes.kube-apiserver@m1"].needs


def test_an_unsaid_interface_is_the_one_with_the_hosts_address() -> None:
    inventory = msgspec.structs.replace(without_vip(), vips=(VirtualIp(address="192.0.2.100"),))
    config = steps_by_id(planned(inventory))["keepalived.config@lb"].operation
    assert isinstance(config, WriteFile)
    assert "interface eth7\n" in config.content


def test_without_a_vip_there_is_no_keepalived_and_the_balancer_answers() -> None:
    plan = PLANS["without-vip"]
    assert {step.phase for step in plan.steps} >= {"haproxy", "kubernetes"}
    assert "keepalived" not in {step.phase for step in plan.steps}
    assert "verify.endpoint@m1" in steps_by_id(plan)


def enabled(services: tuple[ServiceState, ...]) -> tuple[ServiceState, ...]:
    return tuple(replace(service, enabled=True) for service in services)


def test_members_that_run_already_take_turns_and_are_not_taken_down_by_undo() -> None:
    inventory = samples.lab()
    snapshot = bare(inventory)
    live = replace(
        snapshot, hosts=tuple(replace(host, services=Known(enabled(units()), NOW)) for host in snapshot.hosts)
    )
    plan = plan_bootstrap(live, inventory)
    assert isinstance(plan, Plan)
    steps = steps_by_id(plan)
    undone = {"haproxy.start": "haproxy.service", "keepalived.start": "keepalived.service"}
    for start in ("etcd.start", *undone, "kubernetes.kube-apiserver"):
        assert f"{start}@cp1" in steps[f"{start}@cp2"].needs
        assert f"{start}@cp2" in steps[f"{start}@cp3"].needs
        undo = steps[f"{start}@cp1"].undo
        if start in undone:
            assert f"{undone[start]} is enabled and running as before" in (undo_line(undo) or "")
        else:
            assert isinstance(undo, LeftByUndo)
    pauses = {step.id for step in plan.steps if isinstance(step.operation, RunCommand) and step.operation.vips_pause}
    assert pauses == {f"etcd.start@cp{n}" for n in (1, 2, 3)}, "what a member is answering as it stops would fail"
    assert {step.id for step in plan.steps} == {step.id for step in PLANS["lab"].steps}


@pytest.mark.parametrize("part", BootstrapPart)
def test_one_component_touches_no_other(part: BootstrapPart) -> None:
    phases = {step.phase for step in PLANS[f"lab-{part}"].steps}
    assert part.value in phases
    assert phases & {other.value for other in BootstrapPart} == {part.value}


def test_the_control_plane_without_etcd_needs_a_running_etcd() -> None:
    steps = steps_by_id(PLANS["spread-kubernetes"])
    assert steps["preflight.etcd@e1"].precondition == steps["preflight.etcd@e1"].verification
    assert not any(step.startswith("etcd.") for step in steps)


def test_an_inventory_without_roles_is_refused() -> None:
    inventory = Inventory(cluster="none", hosts=(Host(name="w", address="192.0.2.9", roles=(Role.WORKER,)),))
    refusal = plan_bootstrap(bare(inventory), inventory)
    assert isinstance(refusal, Refusal)


def test_no_message_moves_the_data_of_a_listed_member() -> None:
    plan = plan_bootstrap(changed(healthy(), 2, etcd_silent), CLUSTER, BootstrapPart.ETCD)
    assert isinstance(plan, Plan), plan.reasons
    listed, new = (str(steps_by_id(each)["preflight.leftovers@cp2"]) for each in (plan, PLANS["lab"]))
    assert "mv /var/lib/etcd" in new
    assert "mv " not in listed
    assert "keep the data" in listed
