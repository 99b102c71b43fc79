"""`update-member`: the listed peer URL becomes the host's; refused without a quorum or a difference."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import MemberIs
from haconsole.actions.operations import UndoByCommand, UpdateMember
from haconsole.actions.step import Plan, Refusal
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.hosts import HostFacts
from haconsole.model.names import MemberId
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NOW, changed, endpoint, etcd_silent, healthy, member

WRONG = "https://192.0.2.12:2380"


def misnamed() -> ClusterSnapshot:
    """Every member's list has another URL for cp2."""
    members = tuple(replace(member(n), peer_urls=(WRONG,)) if n == 2 else member(n) for n in (1, 2, 3))
    result = healthy()
    for n in (1, 2, 3):
        own = replace(endpoint(n), members=members)

        def change(facts: HostFacts, own: EtcdEndpoint = own) -> HostFacts:
            return replace(facts, etcd=Known(own, NOW))

        result = changed(result, n, change)
    return result


def planned(snapshot: ClusterSnapshot, host: str) -> Plan | Refusal:
    return plan_action("update-member", snapshot, INVENTORY, {"host": host})


def test_the_url_becomes_that_of_the_host_and_can_be_undone() -> None:
    plan = planned(misnamed(), "cp2")
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert isinstance(step.operation, UpdateMember)
    assert (step.operation.member, step.operation.peer_url) == (MemberId("a2"), "https://10.99.0.12:2380")
    assert isinstance(step.verification[0], MemberIs)
    assert isinstance(step.undo, UndoByCommand)
    assert isinstance(step.undo.operation, UpdateMember)
    assert step.undo.operation.peer_url == WRONG


def test_it_is_refused_where_it_would_change_nothing_or_cannot_work() -> None:
    no_quorum = changed(changed(misnamed(), 1, etcd_silent), 3, etcd_silent)
    for snapshot, host, reason in (
        (healthy(), "cp2", "already listed at https://10.99.0.12:2380"),
        (misnamed(), "cp9", "cp9 has no etcd"),
        (changed(misnamed(), 2, etcd_silent), "cp2", "no member of the cluster answers on cp2"),
        (no_quorum, "cp2", ""),
    ):
        refusal = planned(snapshot, host)
        assert isinstance(refusal, (Refusal, Plan))
        if reason:
            assert isinstance(refusal, Refusal)
            assert reason in "; ".join(refusal.reasons)
