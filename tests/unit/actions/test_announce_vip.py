"""`announce-vip`: the owner sends gratuitous ARP, and every other host is checked; refused without a single owner."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.operations import LeftByUndo, Nothing, RunCommand
from haconsole.actions.step import Plan, Refusal
from haconsole.model.hosts import HostFacts, InterfaceAddress
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import SystemFacts
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, healthy, unreachable

HARDWARE = "02:00:00:00:00:11"


def known() -> ClusterSnapshot:
    """The owner's hardware address is known."""
    system = SystemFacts("cp1", "m1", hardware=(("eth0", HARDWARE),))
    return changed(healthy(), 1, lambda facts: replace(facts, system=Known(system, NOW)))


def planned(snapshot: ClusterSnapshot, **request: str) -> Plan | Refusal:
    return plan_action("announce-vip", snapshot, INVENTORY, request)


def test_the_owner_announces_and_every_other_host_is_checked() -> None:
    for request in ({}, {"vip": VIP}):
        plan = planned(known(), **request)
        assert isinstance(plan, Plan)
        first, *others = plan.steps
        assert isinstance(first.operation, RunCommand)
        assert (first.host, first.operation.argv[-1]) == ("cp1", VIP)
        assert isinstance(first.undo, LeftByUndo)
        assert {step.host for step in others} == {"cp2", "cp3"}
        for step in others:
            assert isinstance(step.operation, Nothing)
            assert first.id in step.needs
            assert HARDWARE in str(step.verification)


def test_a_host_that_cannot_be_reached_is_not_checked() -> None:
    plan = planned(changed(known(), 3, unreachable))
    assert isinstance(plan, Plan)
    assert [step.host for step in plan.steps] == ["cp1", "cp2"]


def test_it_is_refused_without_a_single_owner_whose_hardware_is_known() -> None:
    def with_vip(facts: HostFacts) -> HostFacts:
        return replace(facts, addresses=Known((InterfaceAddress("eth0", VIP, 24),), NOW))

    nobody: Any = Known((), NOW)
    for snapshot, reason in (
        (healthy(), "the MAC address of cp1 is unknown"),
        (changed(known(), 1, lambda facts: replace(facts, addresses=nobody)), "unowned"),
        (changed(known(), 2, with_vip), "split by cp1 and cp2"),
    ):
        refusal = planned(snapshot)
        assert isinstance(refusal, Refusal)
        assert reason in "; ".join(refusal.reasons)
    refusal = planned(known(), vip="192.0.2.9")
    assert isinstance(refusal, Refusal)
    assert "no VIP 192.0.2.9" in refusal.reasons[0]
