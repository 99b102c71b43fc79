"""Rules about the networks of Services and pods: their size, and no overlaps."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TypeAlias

from haconsole.inventory import effective
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault, Level
from haconsole.inventory.schema import Deployment, Inventory, Kubernetes
from haconsole.model.roles import Role

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

SERVICE_BITS = 20
"""kube-apiserver takes no larger Service network than this many host bits."""

NODE_PREFIX = {4: 24, 6: 64}
"""The network each node gets out of the pod network, unless the controller-manager has other settings."""


def networks_have_a_size(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    kubernetes = inventory.kubernetes
    if kubernetes is None:
        return
    services, pods = _networks(kubernetes)
    bits = services.max_prefixlen - services.prefixlen
    if not 3 <= bits <= SERVICE_BITS:
        most, least = services.max_prefixlen - SERVICE_BITS, services.max_prefixlen - 3
        what = f"service_cidr {services} is too {'small' if bits < 3 else 'large'}"
        yield Fault(marks.at("kubernetes", "service_cidr"), what, f"choose a prefix length from {most} to {least}")
    nodes = len([host for host in inventory.hosts if {Role.CONTROL_PLANE, Role.WORKER} & set(host.roles)])
    size = kubernetes.node_prefix or NODE_PREFIX[pods.version]
    room = size - pods.prefixlen
    if size > pods.max_prefixlen - 2:
        what = f"node_prefix {size} leaves no addresses for pods in {pods}"
        hint = f"choose a prefix length up to {pods.max_prefixlen - 2}"
        yield Fault(marks.at("kubernetes", "node_prefix"), what, hint)
    elif room < 0 or 1 << room < nodes:
        known = kubernetes.node_prefix is not None or kubernetes.deployment is Deployment.SYSTEMD
        what = f"pod_cidr {pods} is too small for {nodes} nodes with a /{size} each"
        hint = "choose a larger network, or set node_prefix to the prefix length that each node gets"
        yield Fault(marks.at("kubernetes", "pod_cidr"), what, hint, Level.ERROR if known else Level.WARNING)


def networks_are_apart(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    if inventory.kubernetes is None:
        return
    services, pods = _networks(inventory.kubernetes)
    if services.version == pods.version and services.overlaps(pods):
        what = f"service_cidr {services} and pod_cidr {pods} overlap"
        key = "pod_cidr" if ("kubernetes", "pod_cidr") in marks.values else "service_cidr"
        yield Fault(marks.at("kubernetes", key), what, "choose networks that have no address in common")


def addresses_are_outside(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    if inventory.kubernetes is None:
        return
    places: list[tuple[str, str, tuple[str, int, str]]] = [
        (host.address, f"address of host {host.name}", ("hosts", number, "address"))
        for number, host in enumerate(inventory.hosts)
    ]
    places += [
        (address, "the VIP", ("vips", number, "address"))
        for number, address in enumerate(effective.vip_addresses(inventory))
    ]
    for key, network in zip(("service_cidr", "pod_cidr"), _networks(inventory.kubernetes), strict=True):
        for address, name, where in places:
            if ipaddress.ip_address(address) in network:
                what = f"{name} is {address}, inside kubernetes.{key} {network}"
                yield Fault(marks.at(*where), what, f"choose a {key} that contains no address of a host or VIP")


def _networks(kubernetes: Kubernetes) -> tuple[Network, Network]:
    return ipaddress.ip_network(kubernetes.service_cidr), ipaddress.ip_network(kubernetes.pod_cidr)
