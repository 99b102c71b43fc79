"""Refusals of a change of membership: too few votes, and other obstacles."""

from __future__ import annotations

from collections import Counter

from haconsole.actions.balancer_files import not_replaceable
from haconsole.actions.bootstrap.refuse import clocks, interfaces, unsupported
from haconsole.actions.kubeadm.membership import refusals as kubeadm_refusals
from haconsole.actions.membership import open_rotation
from haconsole.actions.membership.change import MembershipChange, answers
from haconsole.configs.balancer_files import haproxy_files, keepalived_files
from haconsole.configs.layout import is_kubeadm
from haconsole.inventory.effective import endpoint, etcd_name, join_host_port
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd_view import EtcdMemberView
from haconsole.model.hosts import Role, reach_problem
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.model.quorum import Quorum
from haconsole.model.vip_view import unfit, vip_views

UNKNOWN_MEMBERS = "no etcd member answers, so the member list is unknown: fix etcd first, or restore it"
PLACES = (Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER)


def unknown_host(inventory: Inventory, name: str) -> str:
    """The refusal for a new host that is not in the inventory, with the lines it needs."""
    roles = inventory.hosts[0].roles
    line = f"  - {{name: {name}, address: ADDRESS, roles: [{', '.join(roles)}]}}"
    return f"the inventory has no host {name}: add it under hosts, e.g.\n{line}"


def refusals(change: MembershipChange) -> tuple[str, ...]:
    """All reasons; none if the change can be planned."""
    members = _members(change)
    if is_kubeadm(change.inventory):
        reasons = (*_kubeadm_places(change), *kubeadm_refusals(change), *members)
    else:
        reasons = (*_places(change), *_ways(change), *members, *balancer_files(change))
    return tuple(dict.fromkeys((*reasons, *open_rotation.refusals(change))))


def balancer_files(change: MembershipChange) -> tuple[str, ...]:
    """Files of balancers that the change would write, and that somebody else wrote or changed."""
    places = change.layout
    followed: tuple[str, ...] = ()
    if change.moves(Role.CONTROL_PLANE) and places.kubernetes:
        followed += haproxy_files(places)[:1]
    if change.moves(Role.LOAD_BALANCER):
        followed += keepalived_files(places)[:1]
    writes = [(host.name, followed) for host in change.others(Role.LOAD_BALANCER)]
    into = change.into
    if into is not None and Role.LOAD_BALANCER in into.roles and answers(change.snapshot, into):
        writes.append((into.name, (*haproxy_files(places), *keepalived_files(places))))
    return not_replaceable(change.snapshot, places, writes)


def _places(change: MembershipChange) -> tuple[str, ...]:
    """Requirements on the host and the inventory."""
    reasons = list(unsupported(change.after))
    into, out = change.into, change.out
    if into is not None and not set(into.roles) & set(PLACES):
        reasons.append(_no_place(change, into))
    if out is not None and not set(out.roles) & set(PLACES):
        reasons.append(_no_place(change, out))
    elif out is not None:
        reasons += (*_last(change, out), *_nowhere(change, out))
    if into is not None:
        reasons += interfaces(change.after)
    return tuple(reasons)


def _kubeadm_places(change: MembershipChange) -> tuple[str, ...]:
    """As for other clusters, but workers are joined and removed too, and a foreign balancer is only left as it is."""
    reasons = [_bastion(host) for host in (change.into, change.out) if host and set(host.roles) == {Role.BASTION}]
    if change.out is not None:
        reasons += (*_last(change, change.out), *_nowhere(change, change.out))
    if change.into is not None:
        reasons += (*interfaces(change.after), *clocks(change.after))
    return tuple(reasons)


def _bastion(host: Host) -> str:
    return f"{host.name} is a bastion, which runs no part of the cluster: to add or remove it, only edit the inventory"


def _no_place(change: MembershipChange, host: Host) -> str:
    """A worker or bastion is added or removed by other means; this names them."""
    if Role.WORKER not in host.roles:
        return _bastion(host)
    api_endpoint = endpoint(change.inventory)
    at = join_host_port(*api_endpoint) if api_endpoint else "the API"
    way = (
        f"let the kubelet of this host join through https://{at} (kubeadm join {at}, or a kubeconfig for that address)"
    )
    if host == change.out:
        way = (
            f"kubectl drain {host.name} --ignore-daemonsets, then kubectl delete node {host.name}, then remove "
            "its lines from the inventory"
        )
    change_it = "remove" if host == change.out else "add"
    return (
        f"{host.name} is a worker, which haconsole only observes. To {change_it} the worker, use Kubernetes' own "
        f"tools: {way}"
    )


def _last(change: MembershipChange, out: Host) -> list[str]:
    words = {
        Role.ETCD: "etcd member: the cluster's data would be lost; to shut down the cluster, stop its services",
        Role.CONTROL_PLANE: "control plane: no API server would be left; join another one first",
        Role.LOAD_BALANCER: "load balancer: no balancer would hold the VIP; join another one first",
    }
    return [
        f"{out.name} is the last {word}"
        for role, word in words.items()
        if role in out.roles and not change.after.inventory.with_role(role)
    ]


def _nowhere(change: MembershipChange, out: Host) -> tuple[str, ...]:
    """A VIP that the host holds needs another balancer."""
    vips = [view.address for view in vip_views(change.snapshot) if view.owners == (out.name,)]
    staying = change.after.inventory.with_role(Role.LOAD_BALANCER)
    why = {host.name: unfit(change.snapshot, host.name) for host in staying if host != change.into}
    if not vips or not why or not all(why.values()):
        return ()
    details = "; ".join(f"{name} {reason}" for name, reason in why.items())
    return (f"{out.name} holds {', '.join(vips)}, and no remaining balancer can take it: {details}",)


def _ways(change: MembershipChange) -> tuple[str, ...]:
    """Hosts that must be reachable. Other hosts may be away while a lost host is removed."""
    reasons = []
    into = change.into
    needed = change.after.inventory.hosts if into is not None else ()
    if change.out_answers:
        needed = change.after.inventory.hosts
    for host in needed:
        if Role.BASTION in host.roles or answers(change.snapshot, host):
            continue
        facts = change.snapshot.host(HostName(host.name))
        way_out = (
            ""
            if host is into
            else f"; files on {host.name} must change too: repair the host, or remove it first (run remove {host.name})"
        )
        reasons.append(f"{host.name} cannot be reached: {reach_problem(facts)}{way_out}")
    return (*reasons, *(clocks(change.after) if into is not None else ()))


def _members(change: MembershipChange) -> tuple[str, ...]:
    if not change.moves(Role.ETCD) and change.ghost is None:
        return ()
    view = change.view
    quorum = view.quorum
    if quorum is None or not view.current:
        return (UNKNOWN_MEMBERS,)
    if len(view.cluster_ids) > 1 and not _only_stray(change):
        ids = ", ".join(view.cluster_ids)
        where = "on the host with the wrong cluster ID"
        return (f"the hosts belong to different etcd clusters ({ids}): first rename etcd's data directory {where}",)
    if not quorum.holds or not change.ask:
        return (
            (
                f"etcd has lost its quorum ({quorum.sentence()}): start the members that can start, or restore etcd "
                "from a snapshot"
            ),
        )
    return (*_waiting(change), *_unhealthy(change, quorum), *_sum(change, quorum), *_oddities(change), *_coming(change))


def _only_stray(change: MembershipChange) -> bool:
    """The host that joins again is the only one whose etcd belongs to another cluster."""
    answers_by_host = {facts.host: value_of(facts.etcd) for facts in change.snapshot.hosts}
    stray = {host for host, one in answers_by_host.items() if one and one.cluster_id != change.view.cluster_id}
    return change.action == "rejoin" and change.into is not None and stray == {change.into.name}


def _waiting(change: MembershipChange) -> tuple[str, ...]:
    """Listed members that never started or do not vote yet, and that this change is not about."""
    about = {row.member.id for row in (change.leaving, change.joining) if row}
    reasons = []
    for row in change.view.members:
        if row.member.id in about or (row.member.started and not row.member.learner):
            continue
        where = row.host or ", ".join(row.member.peer_urls)
        state = "does not vote yet" if row.member.started else "was added and never started"
        finish = f"finish its join (run join {row.host}) or " if row.host else ""
        back = f"remove the member (run remove with member-id = {row.member.id})"
        reasons.append(f"member {row.member.id} on {where} {state}: {finish}{back}; only one change at a time")
    return tuple(reasons)


def _unhealthy(change: MembershipChange, quorum: Quorum) -> tuple[str, ...]:
    """A healthy member leaves, or a new one joins, only while all that stay are healthy."""
    leaving = change.leaving
    if leaving is not None and not leaving.healthy and not change.brings_member:
        return ()
    return tuple(
        (
            f"etcd member {row.member.name} on {row.host or 'no host of the inventory'} is not healthy "
            f"({row.error or 'it does not answer'}): {quorum.sentence()}; fix it, or remove it first ({_removal(row)})"
        )
        for row in change.staying
        if not row.healthy and row.member.started
    )


def _removal(row: EtcdMemberView) -> str:
    return f"run remove {row.host}" if row.host else f"run remove with member-id = {row.member.id}"


def _sum(change: MembershipChange, quorum: Quorum) -> tuple[str, ...]:
    leaving = change.leaving
    if leaving is None or leaving.member.learner:
        return ()
    rest = quorum.without(healthy=leaving.healthy)
    healthy = sum(row.healthy for row in change.staying)
    rest = Quorum(rest.voters, min(rest.healthy, healthy))
    if rest.holds:
        return ()
    name = leaving.member.name or leaving.member.id
    sums = f"now {quorum.sentence()}; then {rest.sentence()}"
    return (f"without {name} the quorum would be lost: {sums}; start or replace the failed members first",)


def _oddities(change: MembershipChange) -> tuple[str, ...]:
    """States of etcd in which a change of its members makes things worse."""
    reasons = []
    versions = {row.endpoint.version for row in change.view.members if row.endpoint}
    alarms = {(row.member.name, kind) for row in change.view.members for kind in row.alarms}
    if change.brings_member:
        if len({_series(version) for version in versions}) > 1:
            details = ", ".join(sorted(versions))
            reasons.append(
                f"the members run different versions ({details}): finish the upgrade before another one joins"
            )
        reasons += [
            f"etcd {version} has no learners: upgrade the members to 3.4 or newer first"
            for version in versions
            if _series(version) < (3, 4)
        ]
        reasons += [
            f"{name} has raised the alarm {kind}, which blocks writes: see the action disarm-alarm"
            for name, kind in sorted(alarms)
            if kind == "NOSPACE" or change.leaving is None or change.leaving.member.name != name
        ]
    return tuple(reasons)


def _coming(change: MembershipChange) -> tuple[str, ...]:
    """Existing list entries for the new host."""
    into = change.into
    if into is None or Role.ETCD not in into.roles:
        return ()
    name = etcd_name(into)
    reasons = [
        (
            f"etcd already has a member {name}, {row.member.id} at {', '.join(row.member.peer_urls)}: give "
            f"{into.name} another etcd_name, or remove that member first ({_removal(row)})"
        )
        for row in change.staying
        if row.member.name == name and row.host != into.name
    ]
    there = change.joining
    if there is not None and not change.brings_member and not there.healthy:
        reasons.append(
            f"{into.name} is already member {there.member.id}, which was started before and does not answer now "
            f"({there.error or 'no answer'}): start etcd there; if its data is lost, run remove {into.name} first"
        )
    names = Counter(row.member.name for row in change.view.members if row.member.started)
    reasons += [
        (
            f"etcd's member list has the name {twice} {times} times: remove the dead member first (run remove "
            "with member-id = ID)"
        )
        for twice, times in names.items()
        if times > 1
    ]
    return tuple(reasons)


def _series(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
