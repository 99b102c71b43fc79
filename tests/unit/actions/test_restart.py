"""`restart`: what it starts, what it refuses, and that a bootstrap starts what is down before all else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import CommandSucceeds, EtcdHealthy
from haconsole.actions.operations import LeftByUndo, RunCommand, UndoByCommand
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.step import Plan, Refusal
from haconsole.actions.steps.static_pods import restarts_pods
from haconsole.model.hosts import ServiceKind
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import cluster, kubeadm
from tests.fakes.cluster import INVENTORY, changed, healthy, unreachable
from tests.unit.diagnosis.test_remedies import HUNG, STOPPED, every, having, quorum_lost, units


def planned(snapshot: ClusterSnapshot, **request: str) -> Plan:
    plan = plan_action("restart", snapshot, INVENTORY, request)
    assert isinstance(plan, Plan), plan.reasons
    return plan


def reasons(snapshot: ClusterSnapshot, **request: str) -> str:
    plan = plan_action("restart", snapshot, INVENTORY, request)
    assert isinstance(plan, Refusal)
    return "; ".join(plan.reasons)


@pytest.mark.parametrize("state", [STOPPED, HUNG, {"active": "failed"}])
def test_every_member_that_is_down_starts_at_the_same_time(state: dict[str, str]) -> None:
    plan = planned(quorum_lost(**state), service="etcd")
    assert [step.id for step in plan.steps] == ["service.restart@cp2", "service.restart@cp3"]
    assert {step.needs for step in plan.steps} == {()}
    assert all(EtcdHealthy(3) in step.verification for step in plan.steps)
    assert plan.data_loss == ""


def test_a_start_is_undone_by_a_stop_and_a_restart_by_nothing() -> None:
    (step, _) = planned(quorum_lost(**STOPPED), service="etcd").steps
    assert isinstance(step.undo, UndoByCommand)
    assert step.undo.operation == RunCommand(("systemctl", "stop", "etcd.service"), timeout_s=120.0)
    (step, _) = planned(quorum_lost(**HUNG), service="etcd").steps
    assert isinstance(step.undo, LeftByUndo)


def test_a_member_that_answers_is_not_restarted_without_a_quorum() -> None:
    assert "start etcd on cp2, cp3 first" in reasons(quorum_lost(**STOPPED), service="etcd", host="cp1")


def test_a_member_is_not_restarted_where_that_loses_the_quorum() -> None:
    snapshot = every(lambda facts: having(services=units(etcd=STOPPED))(cluster.etcd_silent(facts)), 2)
    assert "would lose the quorum: 3 voters, 2 needed, 2 healthy" in reasons(snapshot, service="etcd", host="cp1")
    assert [step.host for step in planned(snapshot, service="etcd", host="cp2").steps] == ["cp2"]
    assert planned(healthy(), service="etcd", host="cp1").steps[0].title == "Restart etcd"


def test_the_owner_of_a_vip_keeps_its_balancer() -> None:
    assert "cp1 holds 10.99.0.100: run failover first" in reasons(healthy(), service="haproxy", host="cp1")
    assert planned(healthy(), service="haproxy", host="cp2").steps[0].id == "service.restart@cp2"


def test_the_last_api_server_is_not_restarted() -> None:
    unready = cluster.host(1).apiserver
    assert isinstance(unready, Known)
    snapshot = every(having(apiserver=replace(unready.value, ready=False)), 2, 3)
    assert "only one that is ready" in reasons(snapshot, service="kube-apiserver", host="cp1")
    assert planned(healthy(), service="kube-apiserver", host="cp1").steps


@pytest.mark.parametrize(
    ("snapshot", "request_", "reason"),
    [
        (healthy(), {"service": "etcd"}, "no reachable host has a stopped or hung etcd"),
        (healthy(), {"service": "etcd", "host": "cp9"}, "cp9 has no etcd"),
        (changed(healthy(), 2, unreachable), {"service": "etcd", "host": "cp2"}, "cp2 cannot be reached: no answer"),
        (every(having(services=()), 2), {"service": "haproxy", "host": "cp2"}, "haproxy on cp2 is unknown"),
        (
            every(having(services=units(haproxy={"exists": False, "active": "inactive"})), 2),
            {"service": "haproxy", "host": "cp2"},
            "not installed on cp2: run bootstrap",
        ),
    ],
)
def test_what_cannot_be_restarted_is_refused(snapshot: ClusterSnapshot, request_: dict[str, str], reason: str) -> None:
    assert reason in reasons(snapshot, **request_)


@pytest.mark.parametrize("state", [STOPPED, HUNG])
def test_a_bootstrap_starts_members_that_are_down_before_it_touches_one_that_works(state: dict[str, str]) -> None:
    plan = plan_bootstrap(quorum_lost(**state), INVENTORY, BootstrapPart.ETCD)
    assert isinstance(plan, Plan), plan.reasons
    needs = {
        step.host: {need for need in step.needs if need.startswith("etcd.start")}
        for step in plan.steps
        if step.id.startswith("etcd.start")
    }
    assert needs == {"cp1": {"etcd.start@cp2", "etcd.start@cp3"}, "cp2": set(), "cp3": set()}


def test_starts_that_wait_for_each_other_begin_together_step_by_step_too() -> None:
    first, second = planned(quorum_lost(**STOPPED), service="etcd").steps
    assert (first.starts_with, second.starts_with) == ((second.id,), (first.id,))


def pod_plan(snapshot: ClusterSnapshot, **request: str) -> Plan | Refusal:
    return plan_action("restart", snapshot, kubeadm.INVENTORY, request)


@pytest.mark.parametrize("service", kubeadm.PODS)
def test_a_static_pod_restarts_by_its_manifest(service: str) -> None:
    plan = pod_plan(kubeadm.healthy(), service=service, host="cp2")
    assert isinstance(plan, Plan), plan.reasons
    (step,) = plan.steps
    assert restarts_pods(step)
    assert isinstance(step.operation, RunCommand)
    assert step.operation.argv[-1] == f"/etc/kubernetes/manifests/{service}.yaml"
    assert isinstance(step.undo, UndoByCommand)
    check = step.verification[0]
    assert isinstance(check, CommandSucceeds)
    assert "100" in check.argv, "the process that is observed now is not the new one"


def test_a_static_pod_that_waits_to_be_started_again_is_restarted_where_it_is() -> None:
    snapshot = kubeadm.with_service(
        kubeadm.healthy(), "cp3", kubeadm.unit("kube-scheduler", "activating", kind=ServiceKind.STATIC_POD)
    )
    plan = pod_plan(snapshot, service="kube-scheduler")
    assert isinstance(plan, Plan)
    assert [step.host for step in plan.steps] == ["cp3"]


def test_a_static_pod_without_kubelet_or_manifest_is_not_restarted() -> None:
    stopped = kubeadm.with_service(kubeadm.healthy(), "cp2", kubeadm.unit("kubelet", "inactive"))
    plan = pod_plan(stopped, service="etcd", host="cp2")
    assert isinstance(plan, Refusal)
    assert plan.reasons == ("kubelet on cp2, which starts static pods, is not running: start kubelet first",)
    absent = replace(kubeadm.unit("kube-scheduler", "inactive", kind=ServiceKind.STATIC_POD), exists=False)
    plan = pod_plan(kubeadm.with_service(kubeadm.healthy(), "cp2", absent), service="kube-scheduler", host="cp2")
    assert isinstance(plan, Refusal)
    assert "kube-scheduler has no manifest on cp2" in plan.reasons[0]
