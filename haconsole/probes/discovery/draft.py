"""The inventory in the making."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

from haconsole.inventory.importers.draft import Draft, HostDraft, Settings, address_of, host_name
from haconsole.model.hosts import Role
from haconsole.probes.discovery import balancer, settings
from haconsole.probes.discovery.balancer import Balanced
from haconsole.probes.discovery.told import API, ETCD, KEEPALIVED, KUBELET, MANAGER, Others, Told, hostname

_PLANES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_NAMED = {
    ETCD: (("cert-file", "server.crt"), ("trusted-ca-file", "ca.crt")),
    API: (("client-ca-file", "ca.crt"),),
}
"""Flags, and what the files that they name are called where actions replace them."""


def draft_of(told: Told, others: Others, *, source: str, ssh: Settings, jump: str | None, reached_by: str) -> Draft:
    """The cluster as far as it can be told; `reached_by` is the name that the host was given by."""
    balanced, vips, own = balancer.balanced(told), balancer.vips(told), own_address(told)
    virtual = balancer.virtual(told)
    hosts = _Hosts(own)
    hosts.add(own, told.name, *_own_roles(told))
    for address, other in others.hosts.items():
        hosts.add(address, other.name, *_own_roles(other))
    _members(told, others, hosts)
    for name, address in balanced.servers if balanced else ():
        hosts.add(address, name, Role.CONTROL_PLANE)
    for address in balancer.peers(told):
        hosts.add(address, "", Role.LOAD_BALANCER)
    _nodes(others, hosts)
    heard = {**others.hosts, own: told}
    found = tuple(
        replace(
            host,
            ssh=ssh,
            ssh_address=reached_by if host.address == own != reached_by else None,
            vrrp_priority=balancer.priority(heard[host.address]) if host.address in heard else None,
        )
        for host in hosts.found()
    )
    port = balanced.bind_port if balanced else 0
    runs = {API, MANAGER} & told.programs.keys()
    return Draft(
        source,
        settings.cluster_name(told),
        found,
        jump=jump,
        etcd=settings.etcd(told),
        kubernetes=settings.kubernetes(told, others.version, f"{virtual[0]}:{port}" if virtual else "", own)
        if runs
        else None,
        vips=vips,
        haproxy=settings.haproxy(told, balanced) if balanced else {},
        keepalived=settings.keepalived(told),
        notes=(
            *others.notes,
            *_notes(told, others, balanced, [host.name for host in found if host.address not in heard]),
        ),
    )


def own_address(told: Told) -> str:
    """The address by which the others know the host; the loopback address where it has no other than VIPs."""
    there = [one.partition("/")[0] for one in told.addresses]
    said = (
        hostname(told.flag(ETCD, "initial-advertise-peer-urls")),
        hostname(told.flag(ETCD, "advertise-client-urls")),
        told.flag(API, "advertise-address"),
    )
    virtual = balancer.virtual(told)
    known = address_of(*(one for one in said if one in there), *(one for one in there if one not in virtual))
    return known or "127.0.0.1"


class _Hosts:
    """Hosts by address."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._by_address: dict[str, HostDraft] = {}

    def add(self, address: str, name: str, *roles: Role, etcd_name: str | None = None) -> None:
        """What is no address is left out. The first name that an address was told with is its name."""
        known = address_of(address)
        if known is None:
            return
        known = self._own if ipaddress.ip_address(known).is_loopback else known
        seen = self._by_address.get(known) or HostDraft(self._free(name or _unnamed(known)), known, ())
        if name and seen.name == _unnamed(known):
            seen = replace(seen, name=self._free(name))
        both = {*seen.roles, *(role.value for role in roles)}
        other = etcd_name if etcd_name and etcd_name != seen.name else seen.etcd_name
        self._by_address[known] = replace(
            seen, roles=tuple(role.value for role in Role if role.value in both), etcd_name=other
        )

    def has(self, address: str, *roles: Role) -> bool:
        seen = self._by_address.get(address)
        return seen is not None and any(role.value in seen.roles for role in roles)

    def found(self) -> tuple[HostDraft, ...]:
        """In the order of their addresses: the same, whichever of them was asked."""
        addresses = sorted(map(ipaddress.ip_address, self._by_address), key=lambda one: (one.version, int(one)))
        return tuple(self._by_address[str(address)] for address in addresses)

    def _free(self, name: str) -> str:
        """The name as an inventory takes it, with a number where another host has it."""
        wanted, taken = host_name(name), {host.name for host in self._by_address.values()}
        return wanted if wanted not in taken else f"{wanted}-{len(taken) + 1}"


def _unnamed(address: str) -> str:
    return f"host-{address.replace('.', '-').replace(':', '-')}"


def _own_roles(told: Told) -> tuple[Role, ...]:
    roles = [role for role, program in ((Role.ETCD, ETCD), (Role.CONTROL_PLANE, API)) if program in told.programs]
    if balancer.balanced(told) is not None or KEEPALIVED in told.programs:
        roles.append(Role.LOAD_BALANCER)
    return tuple(roles) or ((Role.WORKER,) if KUBELET in told.programs else ())


def _members(told: Told, others: Others, hosts: _Hosts) -> None:
    """By etcd's own list, else by the list that this member began with, else those that the API server asks."""
    roles = (Role.ETCD, Role.CONTROL_PLANE) if ETCD in told.static_pods else (Role.ETCD,)
    if others.members is not None:
        for member in others.members:
            hosts.add(hostname(*member.peer_urls), member.name, *roles, etcd_name=member.name)
        return
    for entry in told.flag(ETCD, "initial-cluster").split(","):
        name, _, url = entry.partition("=")
        hosts.add(hostname(url), name, *roles, etcd_name=name)
    for url in told.flag(API, "etcd-servers").split(","):
        hosts.add(hostname(url), "", *roles)


def _nodes(others: Others, hosts: _Hosts) -> None:
    for node in others.nodes or ():
        address = next((each.address for each in node.status.addresses if each.type == "InternalIP"), "")
        plane = any(label in (node.metadata.labels or {}) for label in _PLANES)
        known = hosts.has(address, *Role)
        roles = (Role.CONTROL_PLANE,) if plane else () if known else (Role.WORKER,)
        hosts.add(address, node.metadata.name, *roles)


def _notes(told: Told, others: Others, balanced: Balanced | None, unheard: list[str]) -> Iterator[str]:
    if unheard:
        yield f"{', '.join(unheard)}: not logged in to, so see that name, roles and the way to log in are right"
    if told.keepalived:
        yield from _keepalived_notes(told, unheard)
    backend = f"k8s_server_{told.flag(API, 'secure-port', '6443')}"
    if balanced is not None and balanced.name != backend:
        yield f"haproxy's backend is {balanced.name}: it is shown, but drain and ready look for {backend}"
    if others.nodes is None and API in told.programs:
        yield "the nodes are not known: add the workers, if there are any"
    if path := told.flag(ETCD, "config-file"):
        yield f"etcd has its settings in {path}, which is not read: see that etcd's part is right"
    for program, flags in _NAMED.items():
        for flag, name in flags:
            path = told.flag(program, flag)
            if path and path.rpartition("/")[2] != name:
                yield f"{program} has {flag} {path}: certs shows it, but rotate-certs looks for {name}"


def _keepalived_notes(told: Told, unheard: list[str]) -> Iterator[str]:
    if any(block.first("authentication") for block in balancer.instances(told)):
        yield "VRRP's password is not copied: name it as auth_pass before keepalived is bootstrapped"
    if unheard:
        yield f"{', '.join(unheard)}: vrrp_priority is not known; without it the order of the file counts"
    if not tuple(balancer.peers(told)):
        yield "balancers that speak by multicast do not name one another: give the others the role load-balancer"
