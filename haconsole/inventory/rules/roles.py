"""Rules about roles: valid combinations, and the parts of the inventory that they need."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault, Level
from haconsole.inventory.schema import Inventory
from haconsole.model.roles import Role

_KUBERNETES = (Role.CONTROL_PLANE, Role.LOAD_BALANCER, Role.WORKER)


def roles_go_together(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    for number, host in enumerate(inventory.hosts):
        here = marks.at("hosts", number, "roles")
        twice = next((role for place, role in enumerate(host.roles) if role in host.roles[:place]), None)
        if twice is not None:
            yield Fault(here, f"host {host.name} has the role {twice} twice", "keep one of the two")
        if Role.BASTION in host.roles and set(host.roles) != {Role.BASTION}:
            others = ", ".join(dict.fromkeys(role for role in host.roles if role is not Role.BASTION))
            what = f"host {host.name} is a bastion and also {others}"
            yield Fault(here, what, "remove the other roles, or the role bastion: any host can be a jump host")


def settings_fit_roles(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Settings of a host that nothing reads, because it lacks the role."""
    for number, host in enumerate(inventory.hosts):
        for key, value, role in (
            ("etcd_name", host.etcd_name, Role.ETCD),
            ("vrrp_priority", host.vrrp_priority, Role.LOAD_BALANCER),
            ("interface", host.interface, Role.LOAD_BALANCER),
        ):
            if value is not None and role not in host.roles:
                what = f"{key} of host {host.name} has no effect, as the host does not have the role {role}"
                yield Fault(marks.at("hosts", number, key), what, "add the role or remove the key", Level.WARNING)


def roles_fit_parts(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Hosts without the part that describes what they run, and parts without a host that runs them."""
    if not inventory.with_role(Role.ETCD) and inventory.etcd.external is None:
        what = "no host has the role etcd"
        yield Fault(marks.at("hosts"), what, "give three hosts the role etcd: only etcd keeps the cluster's state")
    if inventory.kubernetes is None:
        for number, host in enumerate(inventory.hosts):
            if role := next((role for role in host.roles if role in _KUBERNETES), None):
                what = f"host {host.name} has the role {role}, but the inventory has no `kubernetes:`"
                yield Fault(marks.at("hosts", number, "roles"), what, "add `kubernetes: {}`, or remove the role")
                return
    elif not inventory.with_role(Role.CONTROL_PLANE):
        what = "`kubernetes:` is set, but no host has the role control-plane"
        yield Fault(marks.at("kubernetes"), what, "give the role to three hosts, or remove `kubernetes:`")
    if inventory.with_role(Role.LOAD_BALANCER):
        return
    if inventory.vips:
        what = "a VIP is set, but no host has the role load-balancer"
        yield Fault(marks.at("vips"), what, "give the role to two hosts or more, or remove `vips:`")
    if inventory.haproxy is not None:
        what = "`haproxy:` has no effect, as no host has the role load-balancer"
        hint = "give the role load-balancer to two hosts or more, or remove `haproxy:`"
        yield Fault(marks.at("haproxy"), what, hint, Level.WARNING)
