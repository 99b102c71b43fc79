"""Joins and removals on clusters of kubeadm's: order, refusals, foreign balancers, forced drains."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.checks import AnyOf, MemberIs, MemberStage, NodeIs, NodeStage, NoMemberAt
from haconsole.actions.kubeadm.membership import notes
from haconsole.actions.membership.change import change_of
from haconsole.actions.membership.plan import plan_join, plan_rejoin, plan_remove, plan_remove_member, plan_replace
from haconsole.actions.operations import (
    DeleteNode,
    DrainNode,
    ForgetControlPlane,
    JoinNode,
    Nothing,
    RemoveMember,
    RemoveMemberAt,
    RunCommand,
)
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.execution.log.codec import plan_from_json, to_json
from haconsole.inventory.schema import Etcd, EtcdPlacement, Host, Inventory
from haconsole.model.etcd import EtcdMember
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import MemberId, StepId
from haconsole.model.node import NodeState
from haconsole.model.observed import Cause, Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.session.planning import may_be_late
from tests.fakes import cluster
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import INVENTORY, changed, healthy, unit, with_node, with_service

DEAD: Failed[Any] = Failed("no route to host", NOW, Cause.NO_ROUTE)


def plan(planned: Plan | Refusal) -> Plan:
    assert isinstance(planned, Plan), planned.reasons
    return planned


def reasons(planned: Plan | Refusal) -> str:
    assert isinstance(planned, Refusal)
    return "\n".join(planned.reasons)


def off(snapshot: ClusterSnapshot, host: str) -> ClusterSnapshot:
    """The snapshot with a host whose power is off: nothing of it is known."""

    def without_facts(facts: HostFacts) -> HostFacts:
        return HostFacts(facts.host, facts.address, facts.roles, reach=DEAD, etcd=DEAD, apiserver=DEAD)

    return with_node(changed(snapshot, host, without_facts), host, not_ready)


def without_etcd(host: Host) -> Host:
    return msgspec.structs.replace(host, roles=tuple(role for role in host.roles if role is not Role.ETCD))


def not_ready(node: NodeState) -> NodeState:
    conditions = tuple(replace(one, status="Unknown") if one.type == "Ready" else one for one in node.conditions)
    return replace(node, conditions=conditions)


def with_hosts(*hosts: Host) -> tuple[Inventory, ClusterSnapshot]:
    """The cluster with more hosts in its inventory, bare ones that answer."""
    inventory = msgspec.structs.replace(INVENTORY, hosts=(*INVENTORY.hosts, *hosts))
    bare = tuple(
        HostFacts(
            host=host.name,  # type: ignore[arg-type]
            address=host.address,
            roles=host.roles,
            reach=healthy().hosts[0].reach,
            addresses=Known((), NOW),
            services=Known((unit("kubelet", "activating", enabled=True), unit("containerd")), NOW),
        )
        for host in hosts
    )
    snapshot = healthy()
    return inventory, replace(snapshot, hosts=(*snapshot.hosts, *bare))


CP4 = Host(name="cp4", address="10.99.0.14", roles=(Role.ETCD, Role.CONTROL_PLANE))
W2 = Host(name="w2", address="10.99.0.52", roles=(Role.WORKER,))


def kinds(plan: Plan) -> list[str]:
    """The changes of a plan in order, scripts by their titles."""
    steps = (step for step in plan.steps if not isinstance(step.operation, Nothing))
    return [step.title if isinstance(step.operation, RunCommand) else type(step.operation).__name__ for step in steps]


def operation(plan: Plan, kind: type) -> Step:
    return next(step for step in plan.steps if isinstance(step.operation, kind))


def test_a_living_control_plane_leaves_in_an_order_that_loses_nothing() -> None:
    order = kinds(plan(plan_remove(healthy(), INVENTORY, "cp1")))
    expected = (
        "SaveSnapshot",
        "DrainNode",
        "Hand over the host's VIPs",
        "SetServerState",
        "Stop controller manager and scheduler",
        "Stop the API server",
        "MoveLeader",
        "RemoveMember",
        "Reset the host with kubeadm",
        "DeleteNode",
        "ForgetControlPlane",
    )
    assert [name for name in order if name in expected] == list(expected)


def test_a_dead_control_plane_is_removed_through_the_living_ones() -> None:
    result = plan(plan_remove(off(healthy(), "cp1"), INVENTORY, "cp1"))
    assert "cp1" not in {step.host for step in result.steps}
    assert "DrainNode" not in kinds(result)
    remove = operation(result, RemoveMember).operation
    assert isinstance(remove, RemoveMember)
    assert (remove.member, set(remove.ask)) == ("a1", {"cp2", "cp3"})
    for kind in (DeleteNode, ForgetControlPlane):
        assert set(operation(result, kind).operation.ask) == {"cp2", "cp3"}  # type: ignore[union-attr]


def test_a_worker_leaves_without_touching_etcd() -> None:
    result = plan(plan_remove(healthy(), INVENTORY, "w1"))
    assert kinds(result) == ["DrainNode", "Reset the host with kubeadm", "DeleteNode"]


def test_pods_of_a_node_that_is_not_ready_cannot_be_evicted() -> None:
    result = plan(plan_remove(with_node(healthy(), "w1", not_ready), INVENTORY, "w1"))
    assert kinds(result) == ["Reset the host with kubeadm", "DeleteNode"]


@pytest.mark.parametrize("name", ["cp1", "w1"])
def test_a_node_is_not_removed_undrained_because_nodes_are_unknown(name: str) -> None:
    late = replace(healthy(), nodes=Failed("nodes: no answer within 6 s", NOW, Cause.TIMED_OUT))
    assert "nodes: no answer within 6 s" in reasons(plan_remove(late, INVENTORY, name))
    assert may_be_late(late)
    assert not may_be_late(healthy())


def test_without_kubelet_the_reset_stops_the_static_pods() -> None:
    stopped = with_service(healthy(), "cp1", unit("kubelet", "inactive"))
    result = plan(plan_remove(with_node(stopped, "cp1", not_ready), INVENTORY, "cp1"))
    assert "Stop the API server" not in kinds(result)
    assert "Reset the host with kubeadm" in kinds(result)
    assert [step.id for step in result.steps if "locks" in step.id] == ["verify.locks@cp2"]


def test_a_host_whose_services_were_not_read_in_time_gives_up_its_leases_too() -> None:
    """Otherwise the run waits in vain for another holder, and a resumed run does too."""

    def late(facts: HostFacts) -> HostFacts:
        return replace(facts, services=Failed("services: no answer within 6 s", NOW, Cause.TIMED_OUT))

    order = [str(step.id) for step in plan(plan_remove(changed(healthy(), "cp1", late), INVENTORY, "cp1")).steps]
    assert order.index("kubernetes.stop@cp1") < order.index("kubernetes.locks-passed-on@cp2")


def test_a_forced_drain_names_its_loss_and_only_then() -> None:
    gentle = plan(plan_remove(healthy(), INVENTORY, "w1"))
    forced = plan(plan_remove(healthy(), INVENTORY, "w1", force=True))
    drain = operation(forced, DrainNode).operation
    assert isinstance(drain, DrainNode)
    assert drain.force
    assert "PodDisruptionBudget" in forced.data_loss
    assert gentle.data_loss == ""


def test_a_control_plane_joins_with_secrets_that_the_plan_only_names() -> None:
    inventory, snapshot = with_hosts(CP4)
    result = plan(plan_join(snapshot, inventory, "cp4"))
    step = operation(result, JoinNode)
    join = step.operation
    assert isinstance(join, JoinNode)
    assert join.peer_url == "https://10.99.0.14:2380"
    assert "token: '@token@'" in join.config
    assert "certificateKey: '@certificate-key@'" in join.config + join.upload
    assert NodeIs("cp4", NodeStage.CONTROL_PLANE, join.ask) in step.verification
    assert MemberIs(join.peer_url, MemberStage.VOTING, join.ask) in step.verification
    stored = json.loads(json.dumps(to_json(result)))
    assert plan_from_json(stored) == result


def test_the_vote_of_an_interrupted_join_leaves_before_its_etcd_is_stopped() -> None:
    """kubeadm 1.36 joins etcd before kubelet registers the node; a reset first would lose a quorum of two."""
    inventory, snapshot = with_hosts(CP4)
    result = plan(plan_join(snapshot, inventory, "cp4"))
    steps = {step.id: step for step in result.steps}
    forget, clear, join = (steps[StepId(f"kubeadm.{name}@cp4")] for name in ("forget", "clear", "join"))
    assert isinstance(forget.operation, RemoveMemberAt)
    assert forget.operation.peer_url == "https://10.99.0.14:2380"
    assert "cp4" not in forget.operation.ask
    assert (forget.id in clear.needs, clear.id in join.needs) == (True, True)
    (either,) = forget.verification
    assert isinstance(either, AnyOf)
    absent, there = either.alternatives
    assert absent == (NoMemberAt("https://10.99.0.14:2380", forget.operation.ask),)
    assert [type(check) for check in there] == [NodeIs, MemberIs]


@pytest.mark.parametrize("etcd", [Etcd(), Etcd(placement=EtcdPlacement.STATIC_POD)])
def test_hosts_without_a_member_of_kubeadms_have_none_to_forget(etcd: Etcd) -> None:
    inventory, snapshot = with_hosts(without_etcd(CP4) if etcd == Etcd() else W2)
    inventory = msgspec.structs.replace(inventory, etcd=etcd)
    result = plan(plan_join(snapshot, inventory, inventory.hosts[-1].name))
    assert not any(isinstance(step.operation, RemoveMemberAt) for step in result.steps)


def test_a_worker_joins_without_an_upload_of_certificates() -> None:
    inventory, snapshot = with_hosts(W2)
    join = operation(plan(plan_join(snapshot, inventory, "w2")), JoinNode).operation
    assert isinstance(join, JoinNode)
    assert (join.upload, join.peer_url) == ("", "")
    assert "certificateKey" not in join.config


def test_a_dead_control_plane_is_replaced_in_one_plan() -> None:
    inventory, snapshot = with_hosts(msgspec.structs.replace(CP4, roles=cluster.ROLES))
    result = plan(plan_replace(off(snapshot, "cp1"), inventory, "cp1", "cp4"))
    order = kinds(result)
    assert order.index("RemoveMember") < order.index("DeleteNode") < order.index("JoinNode")


def test_too_few_healthy_voters_refuse_a_removal() -> None:
    assert "the quorum would be lost" in reasons(plan_remove(off(healthy(), "cp2"), INVENTORY, "cp1"))


def test_an_unreachable_new_host_and_an_unknown_release_refuse_a_join() -> None:
    inventory, snapshot = with_hosts(W2)
    assert "w2 cannot be reached: no route to host" in reasons(plan_join(off(snapshot, "w2"), inventory, "w2"))
    unknown = snapshot
    for name in ("cp1", "cp2", "cp3"):
        unknown = changed(unknown, name, lambda facts: replace(facts, apiserver=DEAD))
    assert "set kubernetes.version" in reasons(plan_join(unknown, inventory, "w2"))


def test_external_etcd_refuses_its_hosts_and_no_others() -> None:
    external = msgspec.structs.replace(INVENTORY, etcd=Etcd())
    assert "API servers of kubeadm name every member" in reasons(plan_remove(healthy(), external, "cp1"))
    assert isinstance(plan_remove(healthy(), external, "w1"), Plan)
    distance = msgspec.structs.replace(external, hosts=(*external.hosts[:2], *map(without_etcd, external.hosts[2:])))
    result = plan(plan_remove(healthy(), distance, "cp3"))
    assert not {"etcd.remove@cp3", "etcd.remove@cp1"} & {str(step.id) for step in result.steps}
    reset = next(one.operation for one in result.steps if one.id == "kubeadm.reset@cp3")
    assert isinstance(reset, RunCommand)
    assert "/var/lib/etcd" not in reset.argv


def test_a_member_rejoins_only_with_its_control_plane() -> None:
    dead = changed(healthy(), "cp2", lambda facts: replace(facts, etcd=DEAD))
    assert "run remove cp2, then run join cp2" in reasons(plan_rejoin(dead, INVENTORY, "cp2"))


def test_balancers_of_the_sites_own_are_named_and_not_written() -> None:
    snapshot = healthy()
    for name in ("cp1", "cp2", "cp3"):
        snapshot = changed(snapshot, name, cluster.foreign)
    result = plan(plan_remove(snapshot, INVENTORY, "cp1"))
    assert [step.id for step in result.steps if step.id.startswith(("haproxy.config", "keepalived.config"))] == []
    assert "remove server k8s_server_6443/cp1 from it by hand" in result.summary
    assert "Hand over the host's VIPs" in kinds(result)


def test_the_plan_notes_that_old_kubeadm_adds_voters() -> None:
    inventory, snapshot = with_hosts(CP4)
    old = notes(change_of("join", snapshot, inventory, into=CP4))
    assert old == (
        (
            "kubeadm 1.20.2 adds the etcd member as a voter, not as a learner: the member counts for the quorum "
            "before it has started"
        ),
    )
    for name in ("cp1", "cp2", "cp3"):
        snapshot = changed(snapshot, name, with_version)
    assert notes(change_of("join", snapshot, inventory, into=CP4)) == ()


def test_the_plan_notes_the_pause_of_etcd_until_its_second_voter_has_started() -> None:
    """Measured on hosts: 10 s without a leader, and both components lost their leases."""
    inventory, snapshot = with_hosts(CP4)

    def alone(facts: HostFacts) -> HostFacts:
        report = value_of(facts.etcd)
        assert report is not None
        return replace(facts, etcd=Known(replace(report, members=report.members[:1]), NOW))

    snapshot = changed(snapshot, "cp1", alone)
    for name in ("cp2", "cp3"):
        snapshot = changed(snapshot, name, lambda facts: replace(facts, etcd=DEAD))
    _, pause = notes(change_of("join", snapshot, inventory, into=CP4))
    assert "no quorum in that time" in pause


def with_version(facts: HostFacts) -> HostFacts:
    report = value_of(facts.apiserver)
    assert report is not None
    return replace(facts, apiserver=Known(replace(report, version="v1.31.4"), NOW))


@pytest.mark.parametrize("name", ["cp1", "w1"])
def test_a_host_that_has_joined_is_never_reset_by_a_join(name: str) -> None:
    result = plan(plan_join(healthy(), INVENTORY, name))
    clear = next(step for step in result.steps if step.id == f"kubeadm.clear@{name}")
    text = str(clear.verification)
    assert "NodeStage.REGISTERED" in text
    assert ("MemberStage.VOTING" in text) is (name == "cp1")


@pytest.mark.parametrize("name", ["cp1", "w1"])
def test_a_join_undoes_nothing_without_a_report_that_the_host_has_not_joined(name: str) -> None:
    """An API that is not ready would otherwise look like a node that is not registered."""
    result = plan(plan_join(healthy(), INVENTORY, name))
    steps = [step for step in result.steps if step.id in (f"kubeadm.clear@{name}", f"kubeadm.forget@{name}")]
    assert len(steps) == (2 if name == "cp1" else 1)
    for step in steps:
        (either,) = step.precondition
        assert isinstance(either, AnyOf)
        kinds = [type(check) for alternative in either.alternatives for check in alternative]
        assert kinds == ([NodeIs, NoMemberAt] if name == "cp1" else [NodeIs])
        assert "NodeStage.GONE" in str(either)


def test_a_member_without_a_host_is_removed_by_its_id() -> None:
    strange = EtcdMember(
        MemberId("bad"), "cp9", ("https://10.99.0.19:2380",), ("https://10.99.0.19:2379",), learner=False
    )
    snapshot = healthy()
    for name in ("cp1", "cp2", "cp3"):
        snapshot = changed(snapshot, name, lambda facts: with_member(facts, strange))
    result = plan(plan_remove_member(snapshot, INVENTORY, "bad"))
    remove = operation(result, RemoveMember).operation
    assert isinstance(remove, RemoveMember)
    assert remove.member == "bad"


def with_member(facts: HostFacts, member: EtcdMember) -> HostFacts:
    endpoint = value_of(facts.etcd)
    assert endpoint is not None
    return replace(facts, etcd=Known(replace(endpoint, members=(*endpoint.members, member)), NOW))


def test_the_sites_own_keepalived_starts_again_without_script_security() -> None:
    snapshot = healthy()
    for name in ("cp1", "cp2", "cp3"):
        snapshot = changed(snapshot, name, cluster.foreign)
    result = plan(plan_join(snapshot, INVENTORY, "cp3"))
    commands = [str(step.operation) for step in result.steps if step.id == "keepalived.start@cp3"]
    assert ["|| [ $? -eq 6 ]" in command for command in commands] == [True]
