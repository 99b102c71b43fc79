"""Refuses actions that change etcd's hosts if etcd is outside the inventory."""

from __future__ import annotations

from haconsole.actions.action import Request
from haconsole.inventory.schema import Inventory

OF_MEMBERS = frozenset(
    ("backup", "defrag", "disarm-alarm", "move-leader", "rejoin", "restore", "update-member"),
)
"""Actions on members and their data."""


def why_external_etcd(inventory: Inventory, action: str, request: Request) -> str:
    """The reason against an action on an etcd outside the inventory; empty if the action does not concern it."""
    external = inventory.etcd.external
    if external is None or not _concerns_etcd(action, request):
        return ""
    return (
        f"etcd runs outside this inventory (etcd.external: {', '.join(external.endpoints)}). haconsole queries it "
        "through the control planes, and changes only members on hosts of the inventory. Use etcdctl where etcd runs"
    )


def _concerns_etcd(action: str, request: Request) -> bool:
    match action:
        case "remove":
            return "member-id" in request
        case "rotate-certs":
            return request.get("scope") == "etcd"
        case "bootstrap":
            return request.get("only") == "etcd"
        case "restart":
            return request.get("service") == "etcd"
        case _:
            return action in OF_MEMBERS
