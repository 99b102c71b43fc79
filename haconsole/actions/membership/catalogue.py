"""The entries of join, remove, replace and related actions in the catalogue: arguments and descriptions."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.membership.plan import plan_join, plan_rejoin, plan_remove, plan_remove_member, plan_replace
from haconsole.actions.step import Plan, Refusal
from haconsole.errors import UsageError
from haconsole.inventory.schema import Inventory
from haconsole.model.snapshot import ClusterSnapshot

UPDATE = Argument(
    "update-inventory",
    ArgumentKind.FLAG,
    "at the end, remove the host from the inventory file too; by default the change is only shown",
)

FORCE = Argument(
    "force",
    ArgumentKind.FLAG,
    "on kubeadm clusters: also delete pods that a PodDisruptionBudget protects or that no controller starts again",
)


def membership_actions() -> tuple[Action, ...]:
    """Join, remove, replace, rejoin."""
    return (_join(), _remove(), _replace(), _rejoin())


def _host(name: str, says: str, *, required: bool = True) -> Argument:
    return Argument(name, ArgumentKind.HOST, says, positional=True, required=required)


def _join() -> Action:
    return Action(
        name="join",
        title="Join a host",
        help=(
            "Add a host of the inventory to the running cluster by its roles: etcd, control plane, balancer, and "
            "with kubeadm worker. etcd joins as a learner (with kubeadm since 1.29) and is promoted when it has "
            "caught up. The other hosts are updated one at a time. A second run continues where the first "
            "stopped."
        ),
        arguments=(_host("host", "the new host; it must be in the inventory"),),
        planner=lambda snapshot, inventory, request: plan_join(snapshot, inventory, request["host"]),
        certificates=True,
        platform=True,
    )


def _remove() -> Action:
    return Action(
        name="remove",
        title="Remove a host or a member",
        help=(
            "Remove a reachable or lost host: hand over leadership and VIP, drain the host, remove its etcd member and "
            "its entries on other hosts. Its data and keys are renamed, not deleted. "
            "With member-id, remove an etcd member that no host of the inventory has."
        ),
        arguments=(
            _host("host", "the host to remove", required=False),
            Argument("member-id", ArgumentKind.TEXT, "the ID of a member that runs on no host of the inventory"),
            FORCE,
            UPDATE,
        ),
        planner=_plan_remove,
        certificates=True,
        dangerous=True,
    )


def _plan_remove(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    host, member = request.get("host"), request.get("member-id")
    if (host is None) == (member is None):
        raise UsageError("remove needs a host or a member's ID", hint="give the host, or the member-id, not both")
    if member is not None:
        return plan_remove_member(snapshot, inventory, member)
    return _updating(plan_remove(snapshot, inventory, host or "", force=FORCE.name in request), request)


def _updating(planned: Plan | Refusal, request: Request) -> Plan | Refusal:
    """The plan, which also changes the inventory file if requested."""
    if isinstance(planned, Refusal):
        return planned
    return replace(planned, updates_inventory=UPDATE.name in request)


def _rejoin() -> Action:
    return Action(
        name="rejoin",
        title="Rejoin a host's etcd",
        help=(
            "Remove the dead etcd member of a host, rename its data, and join the host as a new member. "
            "The new member copies the others' data. For a member whose data is lost, or belongs to another cluster."
        ),
        arguments=(_host("host", "the host whose etcd joins again"),),
        planner=lambda snapshot, inventory, request: plan_rejoin(snapshot, inventory, request["host"]),
        platform=True,
        dangerous=True,
    )


def _replace() -> Action:
    return Action(
        name="replace",
        title="Replace a host by another",
        help=("Remove a lost host and add its replacement in one run. Both hosts must be in the inventory."),
        arguments=(_host("old", "the host to remove"), _host("new", "the new host"), FORCE, UPDATE),
        planner=lambda snapshot, inventory, request: _updating(
            plan_replace(snapshot, inventory, request["old"], request["new"], force=FORCE.name in request), request
        ),
        certificates=True,
        platform=True,
        dangerous=True,
    )
