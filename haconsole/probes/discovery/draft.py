"""Writes the draft of an inventory from the discovered facts of a cluster, with notes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers.draft import Draft, HostDraft, Omitted, Settings, address_of, host_name
from haconsole.inventory.importers.fit import at_least_watched, fitting
from haconsole.inventory.schema import Kubernetes
from haconsole.model.hosts import Role
from haconsole.model.vip import KUBE_VIP
from haconsole.probes.discovery import balancer, settings
from haconsole.probes.discovery.host_report import (
    API,
    ETCD,
    HAPROXY,
    KEEPALIVED,
    KUBELET,
    MANAGER,
    HostReport,
    Others,
    hostname,
)
from haconsole.probes.discovery.kube_vip import KubeVipSettings, inventory_part
from haconsole.probes.discovery.product import Product, product_of
from haconsole.transport.kube_objects import Node

_PLANES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_NAMED = {
    ETCD: (("cert-file", "server.crt"), ("trusted-ca-file", "ca.crt")),
    API: (("client-ca-file", "ca.crt"),),
}
"""Flags, and what the files that they name are called where actions replace them."""


def draft_of(
    report: HostReport,
    others: Others,
    *,
    source: str,
    ssh: Settings,
    jump: str | None,
    reached_by: str,
    named: HostReport | None = None,
) -> Draft:
    """The cluster as far as it is known; `reached_by` is the name of the host `named`, by default of `report`'s."""
    front, own = _front(report, others), own_address(report)
    balanced = _has_haproxy(report, others)
    balanced_api = balancer.balanced_api(front)
    reached = address_among(others.nodes, named or report)
    vip = balancer.main_vip(front)
    hosts = _hosts(report, others, front, balanced=balanced)
    reports = {**others.hosts, own: report}
    hosts_of_draft = tuple(
        replace(
            host,
            ssh=ssh,
            ssh_address=reached_by if host.address == reached != reached_by else None,
            vrrp_priority=balancer.priority(reports[host.address]) if balanced and host.address in reports else None,
        )
        for host in hosts.drafts()
    )
    port = balanced_api.bind_port if balanced_api else 0
    leased = inventory_part(_kube_vip(report, others))
    runs = {API, MANAGER} & report.programs.keys() or ETCD in report.static_pods
    draft = Draft(
        source,
        settings.cluster_name(report, others.kubeadm),
        hosts_of_draft,
        jump=jump,
        etcd=settings.etcd(_etcd_host(report, others)),
        kubernetes=_kubernetes(report, others, vip, port if balanced else None, own, str(leased.get("address", "")))
        if runs
        else None,
        vips=balancer.vips(front) if balanced else tuple(_unwatched(front)),
        haproxy=settings.haproxy(front, balanced_api) if balanced_api else {},
        keepalived=settings.keepalived(front),
        kube_vip=leased,
        notes=(
            *others.notes,
            *_notes(report, front, others, [host.name for host in hosts_of_draft if host.address not in reports]),
            *(_priority_notes(reports.values()) if balanced else ()),
        ),
    )
    return at_least_watched(fitting(draft))


def _hosts(report: HostReport, others: Others, front: HostReport, *, balanced: bool) -> _Hosts:
    """Every host that a report, etcd, a balancer or the API names, with its roles."""
    own, balanced_api = own_address(report), balancer.balanced_api(front)
    hosts = _Hosts(own)
    hosts.add(own, report.name, *_own_roles(report, balanced=balanced))
    for address, other in others.hosts.items():
        hosts.add(address, other.name, *_own_roles(other, balanced=balanced))
    _members(report, others, hosts)
    for name, address in balanced_api.servers if balanced_api else ():
        hosts.add(address, name, Role.CONTROL_PLANE)
    for address in _peers(front, own) if balanced else ():
        hosts.add(address, "", Role.LOAD_BALANCER)
    _nodes(others, hosts)
    return hosts


def _has_haproxy(report: HostReport, others: Others) -> bool:
    """Whether haproxy is known on any host, or no keepalived is; an inventory has haproxy on each load balancer."""
    reports = (report, *others.hosts.values())
    if not any(balancer.instances(one) for one in reports):
        return True
    return any(HAPROXY in one.programs or balancer.balanced_api(one) for one in reports)


def _kubernetes(report: HostReport, others: Others, vip: str, port: int | None, own: str, leased: str) -> Settings:
    """`port` is haproxy's behind the VIP, None where there is no haproxy: the endpoint is then written.

    `leased` is kube-vip's address, where the API servers themselves answer.
    """
    if leased and not vip:
        return settings.kubernetes(report, others, join_host_port(leased, _api_port(report)), own)
    if not vip or port is not None:
        return settings.kubernetes(report, others, join_host_port(vip, port or 0) if vip else "", own)
    return {
        "endpoint": join_host_port(vip, _api_port(report)),
        **settings.kubernetes(report, others, "", own),
    }


def _api_port(report: HostReport) -> int:
    """The API server's port; the usual one where the host runs none."""
    port = report.flag(API, "secure-port")
    return int(port) if re.fullmatch("[0-9]{1,5}", port) else Kubernetes().api_port


def _peers(front: HostReport, own: str) -> tuple[str, ...]:
    """Peers by addresses of the host's own family, as instances of two families name the same hosts twice."""
    peers = tuple(balancer.peers(front))
    return tuple(one for one in peers if (":" in one) == (":" in own)) or peers


def _unwatched(front: HostReport) -> Iterator[Settings]:
    for one in balancer.instances(front):
        for vip in one.vips:
            yield {"address": Omitted(f"VIP {vip.address} is used without haproxy, so it serves only as the endpoint")}


def _front(report: HostReport, others: Others) -> HostReport:
    """The host whose balancer is used: the queried one if it has one, otherwise the first other one that has."""
    reports = (report, *others.hosts.values())
    return next((one for one in reports if balancer.balanced_api(one) or balancer.instances(one)), report)


def _etcd_host(report: HostReport, others: Others) -> HostReport:
    """The host whose etcd counts: the given one where it runs one, else the first of the others that does."""
    return next((one for one in (report, *others.hosts.values()) if ETCD in one.programs), report)


def own_address(report: HostReport) -> str:
    """The address by which the others know the host; the loopback address where it has no other than VIPs."""
    there = [one.partition("/")[0] for one in report.addresses]
    advertised = (
        hostname(report.flag(ETCD, "initial-advertise-peer-urls")),
        hostname(report.flag(ETCD, "advertise-client-urls")),
        report.flag(API, "advertise-address"),
    )
    virtual = (*balancer.virtual(report), *((report.kube_vip.address,) if report.kube_vip else ()))
    known = address_of(*(one for one in advertised if one in there), *(one for one in there if one not in virtual))
    return known or "127.0.0.1"


def address_among(nodes: tuple[Node, ...] | None, report: HostReport) -> str:
    """The host's address as a node of that name, else the one by which it is known."""
    named = (node for node in nodes or () if node.metadata.name.partition(".")[0] == report.name)
    return next(filter(None, map(internal_address, named)), own_address(report))


def internal_address(node: Node) -> str:
    """The node's InternalIP; empty where it has none."""
    return next((each.address for each in node.status.addresses if each.type == "InternalIP"), "")


def is_control_plane(node: Node) -> bool:
    return any(label in (node.metadata.labels or {}) for label in _PLANES)


class _Hosts:
    """Hosts by address."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._by_address: dict[str, HostDraft] = {}

    def add(self, address: str, name: str, *roles: Role, etcd_name: str | None = None) -> None:
        """Values that are no address are left out. The first name of an address is its name."""
        known = address_of(address)
        if known is None:
            return
        known = self._own if ipaddress.ip_address(known).is_loopback else known
        draft = self._by_address.get(known) or HostDraft(self._free(name or _placeholder_name(known)), known, ())
        if name and draft.name == _placeholder_name(known):
            draft = replace(draft, name=self._free(name))
        both = {*draft.roles, *(role.value for role in roles)}
        other = etcd_name if etcd_name and etcd_name != draft.name else draft.etcd_name
        self._by_address[known] = replace(
            draft, roles=tuple(role.value for role in Role if role.value in both), etcd_name=other
        )

    def has(self, address: str, *roles: Role) -> bool:
        draft = self._by_address.get(address)
        return draft is not None and any(role.value in draft.roles for role in roles)

    def drafts(self) -> tuple[HostDraft, ...]:
        """In the order of their addresses: the same, whichever of them was queried."""
        addresses = sorted(map(ipaddress.ip_address, self._by_address), key=lambda one: (one.version, int(one)))
        return tuple(self._by_address[str(address)] for address in addresses)

    def _free(self, name: str) -> str:
        """The name as an inventory takes it, with a number where another host has it."""
        base, names = host_name(name), {host.name for host in self._by_address.values()}
        return base if base not in names else f"{base}-{len(names) + 1}"


def _placeholder_name(address: str) -> str:
    return f"host-{address.replace('.', '-').replace(':', '-')}"


def _own_roles(report: HostReport, *, balanced: bool) -> tuple[Role, ...]:
    """`balanced`: haproxy is known; without it a host with keepalived is a load balancer only if it is nothing else."""
    roles = [role for role, program in ((Role.ETCD, ETCD), (Role.CONTROL_PLANE, API)) if program in report.programs]
    balances = {HAPROXY, KEEPALIVED} & report.programs.keys() or balancer.balanced_api(report) is not None
    if balances and (balanced or not (roles or KUBELET in report.programs)):
        roles.append(Role.LOAD_BALANCER)
    return tuple(roles) or ((Role.WORKER,) if KUBELET in report.programs else ())


def _members(report: HostReport, others: Others, hosts: _Hosts) -> None:
    """By etcd's own list, otherwise by this member's initial cluster, otherwise the API server's etcd servers."""
    roles = (Role.ETCD, Role.CONTROL_PLANE) if ETCD in report.static_pods else (Role.ETCD,)
    if others.members is not None:
        for member in others.members:
            hosts.add(hostname(*member.peer_urls), member.name, *roles, etcd_name=member.name)
        return
    for entry in report.flag(ETCD, "initial-cluster").split(","):
        name, _, url = entry.partition("=")
        hosts.add(hostname(url), name, *roles, etcd_name=name)
    for url in report.flag(API, "etcd-servers").split(","):
        hosts.add(hostname(url), "", *roles)


def _nodes(others: Others, hosts: _Hosts) -> None:
    for node in others.nodes or ():
        address = internal_address(node)
        known = hosts.has(address, *Role)
        roles = (Role.CONTROL_PLANE,) if is_control_plane(node) else () if known else (Role.WORKER,)
        hosts.add(address, node.metadata.name, *roles)


def _notes(report: HostReport, front: HostReport, others: Others, silent_hosts: list[str]) -> Iterator[str]:
    yield from _product_notes(product_of(report))
    if settings := _kube_vip(report, others):
        yield from _kube_vip_notes(settings)
    elif KUBE_VIP in report.static_pods:
        yield "kube-vip runs, but its manifest names no address of the control plane: its VIP is not watched"
    if silent_hosts:
        yield f"{', '.join(silent_hosts)}: could not log in, so check the name, roles and SSH settings"
    if not _has_haproxy(report, others):
        yield "keepalived moves a VIP but there is no haproxy: VIPs are not watched, and failover is refused"
    elif KEEPALIVED in front.programs or balancer.instances(front):
        balancers = [one for one in (report, *others.hosts.values()) if balancer.instances(one)]
        yield from _keepalived_notes(front, silent_hosts, may_miss_peers=bool(silent_hosts) or len(balancers) == 1)
    yield from _haproxy_notes(front)
    if others.nodes is None and API in report.programs:
        yield "the cluster's nodes could not be read: if it has workers, add them to the inventory"
    if path := _etcd_host(report, others).flag(ETCD, "config-file"):
        yield f"etcd has its settings in {path}, which could not be read: check the etcd section of the inventory"
    yield from _name_notes(report)


def _kube_vip(report: HostReport, others: Others) -> KubeVipSettings | None:
    """The settings of the host, else of the first other one that has some."""
    return next((one.kube_vip for one in (report, *others.hosts.values()) if one.kube_vip), None)


def _kube_vip_notes(settings: KubeVipSettings) -> Iterator[str]:
    if settings.unwatched:
        yield f"kube-vip moves {settings.address}, which is not watched: {settings.unwatched}"
    else:
        yield f"kube-vip moves {settings.address}: its owner and the lease {settings.lease} are watched, not changed"


def _product_notes(product: Product) -> Iterator[str]:
    if product.is_watched_only:
        yield f"{product} runs this cluster: it is only watched; actions are refused, use {product}'s own commands"
    if product is Product.KUBESPRAY:
        yield f"{product} made this cluster: the playbooks of {product} write the same files as haconsole's actions"


def _name_notes(report: HostReport) -> Iterator[str]:
    if product_of(report) not in (Product.KUBEADM, Product.HAND):
        return
    for program, flags in _NAMED.items():
        for flag, name in flags:
            path = report.flag(program, flag)
            if path and path.rpartition("/")[2] != name:
                yield (
                    f"{program} has {flag} {path}: the certs command shows this file, but rotate-certs looks for {name}"
                )


def _haproxy_notes(report: HostReport) -> Iterator[str]:
    balanced_api = balancer.balanced_api(report)
    if balanced_api is None and HAPROXY in report.programs:
        yield "haproxy runs, but no backend of it has servers on the API's port: set haproxy.bind_port yourself"
    if balanced_api is not None:
        if not balanced_api.stats_socket:
            yield "haproxy has no stats socket: its servers are not shown, and drain and ready are refused"
        if balanced_api.named_hosts:
            names = ", ".join(balanced_api.named_hosts)
            yield (
                f"haproxy's backend {balanced_api.name} has the names {names} instead of addresses: check that all "
                "hosts are listed"
            )
        if balanced_api.others:
            others = ", ".join(balanced_api.others)
            yield f"haproxy's backends {others} have servers on the API's port too: {balanced_api.name} is used"
    for condition in balancer.undecided(report):
        yield (
            f"haconsole cannot evaluate `.if {condition}` in haproxy's configuration: check the haproxy section "
            "of the inventory"
        )


def _priority_notes(reports: Iterable[HostReport]) -> Iterator[str]:
    for report in reports:
        several = balancer.priorities(report)
        if len(several) > 1:
            listed = ", ".join(map(str, several))
            yield f"VRRP instances of {report.name} have several priorities, {listed}: vrrp_priority is left out"


def _keepalived_notes(report: HostReport, silent_hosts: list[str], *, may_miss_peers: bool) -> Iterator[str]:
    if any(one.auth_type for one in balancer.instances(report)):
        yield "VRRP's password is not copied: set auth_pass in the inventory before keepalived is bootstrapped"
    if silent_hosts:
        yield (
            f"{', '.join(silent_hosts)}: vrrp_priority is unknown; by default the order of the hosts in the inventory "
            "decides"
        )
    if addresses := balancer.excluded(report):
        yield f"addresses of virtual_ipaddress_excluded are left out: {', '.join(addresses)}"
    if may_miss_peers and not tuple(balancer.peers(report)):
        yield (
            "keepalived uses multicast, so keepalived.conf names no peers: give the other balancers the role "
            "load-balancer"
        )
