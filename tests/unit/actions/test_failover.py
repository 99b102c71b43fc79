"""Planned moves of a VIP: who gives it up, who is kept out of the race, and when nothing is moved."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import VipAnswers, VipOwned
from haconsole.actions.operations import Nothing
from haconsole.actions.step import Plan, Refusal
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import HostFacts, InterfaceAddress, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NAMES, NOW, VIP, changed, healthy, unreachable


def planned(action: str, snapshot: ClusterSnapshot, inventory: Inventory = INVENTORY, **request: str) -> Plan:
    plan = plan_action(action, snapshot, inventory, request)
    assert isinstance(plan, Plan), plan.reasons
    return plan


def changes(plan: Plan) -> list[str]:
    """The steps that change something, in their order."""
    return [str(step.id) for step in plan.steps if not isinstance(step.operation, Nothing)]


def reasons(action: str, snapshot: ClusterSnapshot, **request: str) -> str:
    plan = plan_action(action, snapshot, INVENTORY, request)
    assert isinstance(plan, Refusal)
    return "\n".join(plan.reasons)


def held_down(facts: HostFacts) -> HostFacts:
    keepalived = value_of(facts.keepalived)
    assert keepalived is not None
    return replace(facts, keepalived=Known(replace(keepalived, forced_down=True), NOW))


def without_vip(facts: HostFacts) -> HostFacts:
    addresses = value_of(facts.addresses) or ()
    return replace(facts, addresses=Known(tuple(one for one in addresses if one.address != VIP), NOW))


def with_vip(facts: HostFacts) -> HostFacts:
    return replace(facts, addresses=Known((InterfaceAddress("eth0", VIP, 24),), NOW))


def moved() -> ClusterSnapshot:
    """After a failover: cp2 holds the VIP while cp1 is held down."""
    return changed(changed(healthy(), 1, lambda facts: held_down(without_vip(facts))), 2, with_vip)


def test_the_next_by_priority_takes_it() -> None:
    plan = planned("failover", healthy())
    assert changes(plan) == ["keepalived.measure@cp3", "keepalived.down@cp1"]
    assert plan.steps[-1].verification[0] == VipOwned(VIP, (HostName("cp2"),))
    assert plan.summary.splitlines()[0] == "10.99.0.100 moves from cp1 to cp2"


def test_the_vip_of_a_host_with_only_a_balancer_is_verified_from_a_control_plane() -> None:
    """The balancer has no credentials for the API."""
    hosts = tuple(
        msgspec.structs.replace(host, roles=(Role.LOAD_BALANCER,)) if host.name == "cp3" else host
        for host in INVENTORY.hosts
    )
    last = planned("failover", healthy(), msgspec.structs.replace(INVENTORY, hosts=hosts), to="cp3").steps[-1]
    owned_once = (VipOwned(VIP, (HostName("cp3"),)), VipOwned(VIP, NAMES))
    assert last.verification == (*owned_once, VipAnswers("10.99.0.100:8443"))
    assert last.host == "cp1"


def test_of_equal_priorities_the_one_with_the_higher_address_takes_it() -> None:
    hosts = tuple(
        msgspec.structs.replace(host, vrrp_priority=101 if host.name == "cp1" else 100) for host in INVENTORY.hosts
    )
    equal = msgspec.structs.replace(INVENTORY, hosts=hosts)
    assert planned("failover", healthy(), equal).steps[-1].verification[0] == VipOwned(VIP, (HostName("cp3"),))
    assert changes(planned("failover", healthy(), equal, to="cp2"))[0] == "keepalived.down@cp3"


def test_who_would_take_it_before_the_one_that_should_is_kept_out_first() -> None:
    plan = planned("failover", healthy(), to="cp3")
    assert changes(plan) == ["keepalived.down@cp2", "keepalived.measure@cp2", "keepalived.down@cp1"]
    ids = [str(step.id) for step in plan.steps]
    assert ids.index("keepalived.out@cp2") < ids.index("keepalived.down@cp1")
    assert "these balancers keep a down file until failback and cannot take over if cp3 fails: cp1, cp2" in plan.summary


@pytest.mark.parametrize(
    ("snapshot", "request_", "message"),
    [
        (healthy(), {"to": "cp1"}, "cp1 already holds the VIP"),
        (
            healthy(),
            {"to": "cp9"},
            "cp9 is not a load balancer; the load balancers of the inventory are: cp1, cp2, cp3",
        ),
        (healthy(), {"vip": "10.0.0.9"}, "the inventory has no VIP 10.0.0.9; its VIPs are: 10.99.0.100"),
        (changed(healthy(), 3, unreachable), {"to": "cp3"}, "cp3, which cannot be reached"),
        (
            changed(healthy(), 2, held_down),
            {"to": "cp2"},
            "has a keepalived down file, so it takes no VIPs: run failback first",
        ),
        (changed(healthy(), 2, with_vip), {}, "10.99.0.100 is split by cp1 and cp2"),
        (changed(healthy(), 1, without_vip), {}, "10.99.0.100 is unowned"),
        (
            changed(changed(healthy(), 2, unreachable), 3, unreachable),
            {},
            "no other balancer can hold the VIP: cp2 cannot be reached",
        ),
    ],
)
def test_nothing_is_moved_to_where_it_would_not_stay(
    snapshot: ClusterSnapshot, request_: dict[str, str], message: str
) -> None:
    assert message in reasons("failover", snapshot, **request_)


def test_it_goes_back_when_the_files_are_away() -> None:
    plan = planned("failback", moved())
    assert changes(plan) == ["keepalived.measure@cp3", "keepalived.up@cp1", "keepalived.make-way@cp2"]
    assert plan.summary == "10.99.0.100 moves from cp2 to cp1"
    assert str(plan.steps[0].id) == "keepalived.fit@cp1"
    needs = {str(step.id): {str(need).partition("@")[0] for need in step.needs} for step in plan.steps}
    assert needs["keepalived.stands@cp1"] == {"keepalived.fit", "keepalived.up"}
    assert needs["keepalived.make-way@cp2"] == {"keepalived.fit", "keepalived.stands"}
    assert "keepalived.make-way" in needs["keepalived.held@cp1"]


def test_the_highest_priority_starts_first_so_that_the_vip_moves_once() -> None:
    down = changed(changed(changed(moved(), 2, lambda it: held_down(without_vip(it))), 3, with_vip), 1, held_down)
    assert changes(planned("failback", down)) == [
        *("keepalived.measure@cp2", "keepalived.up@cp1", "keepalived.make-way@cp3", "keepalived.up@cp2")
    ]


def test_it_stays_where_nobody_preempts() -> None:
    vips = tuple(msgspec.structs.replace(vip, preempt=False) for vip in INVENTORY.vips)
    plan = planned("failback", moved(), msgspec.structs.replace(INVENTORY, vips=vips))
    assert plan.summary == "10.99.0.100 stays on cp2"
    assert changes(plan) == ["keepalived.measure@cp1", "keepalived.up@cp1"]


def test_a_failback_without_a_down_file_is_refused() -> None:
    assert reasons("failback", healthy()) == "no balancer has the down file /etc/keepalived/down"
