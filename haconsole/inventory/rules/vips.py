"""Rules about VIPs: their balancers, interfaces and networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from haconsole.inventory import effective
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault, Level
from haconsole.inventory.schema import Inventory, VrrpMode
from haconsole.model.roles import Role


def balancers_carry_vips(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    balancers = inventory.with_role(Role.LOAD_BALANCER)
    if inventory.vips and len(balancers) == 1:
        what = f"only host {balancers[0].name} can hold the VIP, so there is no failover when that host fails"
        yield Fault(marks.at("vips"), what, "give a second host the role load-balancer", Level.WARNING)


def vips_are_no_hosts(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    hosts = {host.address: host.name for host in inventory.hosts}
    for number, address in enumerate(effective.vip_addresses(inventory)):
        if address in hosts:
            what = f"VIP {address} is the own address of host {hosts[address]}"
            yield Fault(marks.at("vips", number, "address"), what, "choose a free address of the same network")


def kube_vip_is_apart(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """kube-vip's address is an address of its own, on hosts that run an API server."""
    if inventory.kube_vip is None:
        return
    address = inventory.kube_vip.address
    host = next((host.name for host in inventory.hosts if host.address == address), None)
    if host is not None:
        what = f"kube_vip.address {address} is the own address of host {host}"
        yield Fault(marks.at("kube_vip", "address"), what, "choose a free address of the same network")
    if address in effective.vip_addresses(inventory):
        what = f"kube_vip.address {address} is also a VIP of keepalived's in `vips:`"
        yield Fault(marks.at("kube_vip", "address"), what, "keep one of the two: only one program may move an address")
    if not inventory.with_role(Role.CONTROL_PLANE):
        what = "`kube_vip:` is set, but no host has the role control-plane"
        yield Fault(marks.at("kube_vip"), what, "give the role to three hosts, or remove `kube_vip:`")


def interfaces_are_known(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """A warning only, because the host itself has an interface with its own address."""
    for number, vip in enumerate(inventory.vips):
        lacking = [
            host.name
            for host in inventory.with_role(Role.LOAD_BALANCER)
            if effective.vip_interface(inventory, vip, host) is None
        ]
        if lacking:
            what = f"VIP {effective.vip_address(vip)} has no interface set for {_listed(lacking)}"
            hint = "add `interface: NAME`; otherwise the interface with the host's own address is used"
            yield Fault(marks.at("vips", number), what, hint, Level.WARNING)


def vips_are_in_the_balancers_network(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Only if a prefix length is given, and only a warning: routed VIPs exist."""
    for number, vip in enumerate(inventory.vips):
        network = ipaddress.ip_interface(vip.address).network
        outside = [
            host.name
            for host in inventory.with_role(Role.LOAD_BALANCER)
            if "/" in vip.address and ipaddress.ip_address(host.address) not in network
        ]
        if outside and network.num_addresses > 1:
            what = f"VIP {vip.address} is not in the network of {_listed(outside)}"
            hint = "correct the VIP's address or prefix length, unless the VIP is routed"
            yield Fault(marks.at("vips", number, "address"), what, hint, Level.WARNING)


def families_match(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Unicast adverts travel between the hosts' own addresses, of the family of the VIP they speak of."""
    for number, vip in enumerate(inventory.vips):
        family = ipaddress.ip_interface(vip.address).version
        others = [
            host.name
            for host in inventory.with_role(Role.LOAD_BALANCER)
            if ipaddress.ip_address(host.address).version != family
        ]
        if others and vip.mode is VrrpMode.UNICAST:
            what = (
                f"VIP {vip.address} is IPv{family}, but {_listed(others)} cannot send unicast adverts for it over "
                f"IPv{family}"
            )
            hint = "write `mode: multicast`, or use one IP family for the hosts' addresses and the VIP"
            yield Fault(marks.at("vips", number, "address"), what, hint)


def passwords_are_sent(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """VRRP version 3 has no authentication (RFC 5798, section 9); IPv6 and parts of a second need version 3."""
    for number, vip in enumerate(inventory.vips):
        ipv6 = ipaddress.ip_interface(vip.address).version == 6
        if vip.auth_pass is not None and (ipv6 or not float(vip.advert_int_s).is_integer()):
            reason = "the VIP is an IPv6 address" if ipv6 else f"advert_int_s is {vip.advert_int_s:g}"
            what = f"auth_pass of VIP {vip.address} has no effect: {reason}, so VRRP version 3 is used"
            yield Fault(marks.at("vips", number, "auth_pass"), what, "remove it", Level.WARNING)


def _listed(names: list[str]) -> str:
    """``host cp1``, ``hosts cp1 and cp2``, or the first three and a number."""
    if len(names) == 1:
        return f"host {names[0]}"
    if len(names) > 4:
        return f"hosts {', '.join(names[:3])} and {len(names) - 3} others"
    return f"hosts {', '.join(names[:-1])} and {names[-1]}"
