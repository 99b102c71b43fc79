"""Whether a host reaches the ports of other hosts that its components connect to."""

from __future__ import annotations

import re

from haconsole.configs.layout import Layout, is_kubeadm
from haconsole.inventory.effective import outside_endpoint, vip_addresses
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.system import PeerPort, PortState
from haconsole.probes.errors import require
from haconsole.probes.script import Section, SectionAnswer
from haconsole.scripts import load_script

_STATES = frozenset(PortState)
_PORT = re.compile("[0-9]{1,5}", re.ASCII)


def ports_of(inventory: Inventory, layout: Layout, host: Host) -> tuple[tuple[str, int], ...]:
    """Addresses and ports: other members' peer ports, API servers behind a balancer, etcd of a control plane, VIPs,
    and the API's endpoint where no balancer of the inventory serves it.

    A stacked control plane of kubeadm's uses only its own member.
    """
    roles = set(host.roles)
    ports: list[tuple[str, int]] = []
    members = tuple(each for each in inventory.with_role(Role.ETCD) if each != host)
    if Role.ETCD in roles:
        ports += ((each.address, layout.etcd.peer_port) for each in members)
    if layout.kubernetes and Role.CONTROL_PLANE in roles and not (Role.ETCD in roles and is_kubeadm(inventory)):
        ports += ((each.address, layout.etcd.client_port) for each in members)
    if layout.kubernetes and layout.haproxy and Role.LOAD_BALANCER in roles:
        planes = (each for each in inventory.with_role(Role.CONTROL_PLANE) if each != host)
        ports += ((each.address, layout.kubernetes.api_port) for each in planes)
    if layout.haproxy and roles & {Role.CONTROL_PLANE, Role.LOAD_BALANCER, Role.WORKER}:
        ports += ((address, layout.haproxy.bind_port) for address in vip_addresses(inventory))
    outside = outside_endpoint(inventory)
    if outside is not None and roles & {Role.CONTROL_PLANE, Role.WORKER}:
        ports.append(outside)
    return tuple(ports)


def section(ports: tuple[tuple[str, int], ...], *, every: int = 1) -> Section:
    """All connections at once, each for 2 s at most."""
    words = " ".join(f"{address} {port}" for address, port in ports)
    return Section("peer_ports", f"set -- {words}\n{load_script('peer-ports')}", every)


def parse(answer: SectionAnswer) -> tuple[PeerPort, ...]:
    """One result for each port, by address; lines of another form are ignored."""
    rows = (line.split() for line in require(answer, "connecting to other hosts").splitlines())
    ports = (
        PeerPort(row[1], int(row[2]), PortState(row[0]))
        for row in rows
        if len(row) == 3 and row[0] in _STATES and _PORT.fullmatch(row[2])
    )
    return tuple(sorted(ports, key=lambda each: (each.address, each.port)))
