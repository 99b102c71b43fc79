"""`rejoin`: the dead member is removed first, then its data is renamed, then the host joins as a new member."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.step import Plan, Refusal
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, changed, etcd_silent, healthy
from tests.unit.diagnosis.test_causes import removed_member
from tests.unit.diagnosis.test_remedies import having


def planned(snapshot: ClusterSnapshot, host: str = "cp3") -> Plan:
    plan = plan_action("rejoin", snapshot, INVENTORY, {"host": host})
    assert isinstance(plan, Plan), plan.reasons
    return plan


def refused(snapshot: ClusterSnapshot, host: str = "cp3") -> str:
    plan = plan_action("rejoin", snapshot, INVENTORY, {"host": host})
    assert isinstance(plan, Refusal)
    return "; ".join(plan.reasons)


def order(plan: Plan, *names: str) -> list[str]:
    return [name for step in plan.steps for name in names if step.id.startswith(name)]


STEPS = ("etcd.remove", "etcd.stale-data", "etcd.add", "etcd.start", "etcd.promote")


def test_a_listed_member_is_removed_before_its_data_is_renamed() -> None:
    plan = planned(changed(healthy(), 3, etcd_silent))
    assert order(plan, *STEPS) == list(STEPS)
    assert "remove member cp3, then join cp3 as a new member" in plan.summary


def test_a_member_that_is_listed_no_more_only_joins() -> None:
    assert order(planned(removed_member()), *STEPS) == list(STEPS[1:])


def test_a_host_of_another_cluster_leaves_it() -> None:
    stray = having(etcd=replace(cluster.endpoint(3), cluster_id="c2"))
    assert order(planned(changed(healthy(), 3, stray)), *STEPS) == list(STEPS)
    both = changed(changed(healthy(), 3, stray), 2, having(etcd=replace(cluster.endpoint(2), cluster_id="c3")))
    assert "different etcd clusters" in refused(both)


def test_it_is_refused_for_a_healthy_member_and_without_the_votes() -> None:
    assert "is healthy: to replace its data, run remove, then join" in refused(healthy())
    assert "cp2" in refused(changed(changed(healthy(), 3, etcd_silent), 2, etcd_silent))
    assert "the inventory has no host cp9" in refused(healthy(), "cp9")
