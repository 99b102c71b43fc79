"""The membership actions as the catalogue lists them."""

from __future__ import annotations

from dataclasses import replace

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.membership.plan import plan_join, plan_remove, plan_remove_member, plan_replace
from haconsole.actions.step import Plan, Refusal
from haconsole.errors import UsageError
from haconsole.inventory.schema import Inventory
from haconsole.model.snapshot import ClusterSnapshot

UPDATE = Argument(
    "update-inventory",
    ArgumentKind.FLAG,
    "when it is done, take the host out of the inventory file; without this the change is only shown",
)


def membership_actions() -> tuple[Action, ...]:
    """Join, remove, replace."""
    return (_join(), _remove(), _replace())


def _host(name: str, says: str, *, required: bool = True) -> Argument:
    return Argument(name, ArgumentKind.HOST, says, positional=True, required=required)


def _join() -> Action:
    return Action(
        name="join",
        title="Join a host",
        help=(
            "Have a host of the inventory take its place by its roles: etcd as a learner that is promoted once it has "
            "caught up, control plane, balancer. The others learn of it one at a time. Run again, it carries on."
        ),
        arguments=(_host("host", "the host to come; it must be in the inventory"),),
        planner=lambda snapshot, inventory, request: plan_join(snapshot, inventory, request["host"]),
    )


def _remove() -> Action:
    return Action(
        name="remove",
        title="Remove a host or a member",
        help=(
            "Remove a host, dead or alive: hand over leadership and VIP, drain it, remove its etcd member and take it "
            "out of the configuration of the others. Its data and keys are renamed, not deleted. With member-id, "
            "remove a member of etcd that no host of the inventory has."
        ),
        arguments=(
            _host("host", "the host to leave", required=False),
            Argument("member-id", ArgumentKind.TEXT, "the ID of a member that runs on no host of the inventory"),
            UPDATE,
        ),
        planner=_plan_remove,
        dangerous=True,
    )


def _plan_remove(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    host, member = request.get("host"), request.get("member-id")
    if (host is None) == (member is None):
        raise UsageError("remove takes a host or a member's ID", mend="give the host, or the member-id, not both")
    if member is not None:
        return plan_remove_member(snapshot, inventory, member)
    return _updating(plan_remove(snapshot, inventory, host or ""), request)


def _updating(planned: Plan | Refusal, request: Request) -> Plan | Refusal:
    """The plan, with the inventory's file to be changed where that was asked for."""
    if isinstance(planned, Refusal):
        return planned
    return replace(planned, updates_inventory=UPDATE.name in request)


def _replace() -> Action:
    return Action(
        name="replace",
        title="Replace a host by another",
        help=(
            "One plan for a host that is gone and the one that takes its place: the old one out, then the new one in. "
            "Both must be in the inventory."
        ),
        arguments=(_host("old", "the host to leave"), _host("new", "the host to come"), UPDATE),
        planner=lambda snapshot, inventory, request: _updating(
            plan_replace(snapshot, inventory, request["old"], request["new"]), request
        ),
        dangerous=True,
    )
