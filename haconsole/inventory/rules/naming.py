"""Rules about values that must be unique: names, addresses, member names, priorities, VIPs, router IDs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from haconsole.inventory import effective
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault, Level
from haconsole.inventory.schema import Inventory
from haconsole.model.roles import Role


def names_are_unique(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    entries = [(host.name, ("hosts", number, "name")) for number, host in enumerate(inventory.hosts)]
    for name, where, first in _repeated(entries):
        line = marks.at(*first).line
        yield Fault(marks.at(*where), f"host {name} is already in line {line}", "give each host a different name")


def addresses_are_unique(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    entries = [(host.address, ("hosts", number, "address")) for number, host in enumerate(inventory.hosts)]
    for address, where, first in _repeated(entries):
        one, other = (inventory.hosts[int(way[1])].name for way in (first, where))
        what = f"address of host {other} is {address}, which host {one} in line {marks.at(*first).line} has already"
        yield Fault(marks.at(*where), what, "give each host a different address")


def etcd_names_are_unique(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Given or taken from the host's name; a repeated host name is reported there."""
    entries = [
        (effective.etcd_name(host), ("hosts", number, "etcd_name" if host.etcd_name else "name"))
        for number, host in enumerate(inventory.hosts)
        if Role.ETCD in host.roles
    ]
    for name, where, first in _repeated(entries):
        one, other = (inventory.hosts[int(way[1])].name for way in (first, where))
        if one != other:
            what = f"the etcd members of host {one} and host {other} are both called {name}"
            yield Fault(marks.at(*where), what, "give one of them another etcd_name")


def highest_priority_is_unique(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Balancers below the highest may be equal, as in kubeadm's guide: VRRP prefers the higher address.

    Two with the highest priority work too (RFC 5798, section 6.4.3), but then the order of the file has no effect.
    """
    highest = max((host.vrrp_priority or 0 for host in inventory.hosts), default=0)
    entries = [
        (str(host.vrrp_priority), ("hosts", number, "vrrp_priority"))
        for number, host in enumerate(inventory.hosts)
        if host.vrrp_priority is not None and host.vrrp_priority == highest
    ]
    for priority, where, first in _repeated(entries):
        one, other = (inventory.hosts[int(way[1])].name for way in (first, where))
        what = f"host {one} and host {other} share the highest VRRP priority, {priority}: the higher address decides"
        hint = "give the preferred balancer a higher vrrp_priority, here and in its keepalived.conf"
        yield Fault(marks.at(*where), what, hint, Level.WARNING)


def vips_are_unique(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    entries = [(effective.vip_address(vip), ("vips", number, "address")) for number, vip in enumerate(inventory.vips)]
    for address, where, first in _repeated(entries):
        line = marks.at(*first).line
        yield Fault(marks.at(*where), f"VIP {address} is already in line {line}", "keep one of the two")


def router_ids_are_unique(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Interfaces that the VIPs name are networks of their own, unless a host has another for all of them."""
    named = all(vip.interface for vip in inventory.vips) and not any(host.interface for host in inventory.hosts)
    entries = [
        (f"{vip.router_id} {vip.interface if named else ''}", ("vips", number, "router_id"))
        for number, vip in enumerate(inventory.vips)
    ]
    for router, where, first in _repeated(entries):
        one, other = (effective.vip_address(inventory.vips[int(way[1])]) for way in (first, where))
        what = f"VIP {one} and VIP {other} both have router_id {router.partition(' ')[0]}"
        yield Fault(marks.at(*where), what, "give each VIP a different router_id")


_Way = tuple[str, int, str]


def _repeated(entries: Iterable[tuple[str, _Way]]) -> Iterator[tuple[str, _Way, _Way]]:
    """Each repeated value: the value, its place, its first place."""
    first: dict[str, _Way] = {}
    for value, where in entries:
        if value in first:
            yield value, where, first[value]
        first.setdefault(value, where)
