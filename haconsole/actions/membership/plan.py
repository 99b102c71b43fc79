"""Plans joins, removals and replacements of hosts: the steps of all parts in one order."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.balancing import not_drained
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.checks import Check, LeaseHeld, VipOwned
from haconsole.actions.kubeadm.membership import kubeadm_groups, notes, preflight_of
from haconsole.actions.membership import balancers, control_plane, etcd, leaving
from haconsole.actions.membership.change import MembershipChange, answers, change_of
from haconsole.actions.membership.preflight import members_preflight, preflight
from haconsole.actions.membership.refuse import UNKNOWN_MEMBERS, refusals, unknown_host
from haconsole.actions.preparation.plan import after_preparation, preparation
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.etcd import snapshot_path
from haconsole.actions.steps.order import Group, in_order
from haconsole.configs.layout import is_kubeadm
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd_view import etcd_view
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.quorum import Quorum
from haconsole.model.snapshot import ClusterSnapshot

JOIN, REMOVE, REPLACE, REJOIN = "join", "remove", "replace", "rejoin"


def plan_join(snapshot: ClusterSnapshot, inventory: Inventory, host: str) -> Plan | Refusal:
    """Add a host of the inventory by its roles; a second run continues where the first stopped."""
    into = inventory.find(host)
    if into is None:
        return Refusal(JOIN, inventory.cluster, (unknown_host(inventory, host),))
    return _planned(change_of(JOIN, snapshot, inventory, into=into))


def plan_rejoin(snapshot: ClusterSnapshot, inventory: Inventory, host: str) -> Plan | Refusal:
    """Remove the dead member of a host, rename its data, and join the host as a new member."""
    into = inventory.find(host)
    if into is None or Role.ETCD not in into.roles:
        reason = unknown_host(inventory, host) if into is None else f"{host} has no etcd role: nothing to join again"
        return Refusal(REJOIN, inventory.cluster, (reason,))
    change = change_of(REJOIN, snapshot, inventory, into=into)
    dead = change.joining
    if dead is not None and dead.endpoint is not None and dead.member.started:
        state = "is healthy" if dead.healthy else f"answers ({dead.error})"
        reason = f"etcd member {dead.member.name} on {host} {state}: to replace its data, run remove, then join"
        return Refusal(REJOIN, inventory.cluster, (reason,))
    return _planned(replace(change, ghost=dead))


def plan_remove(snapshot: ClusterSnapshot, inventory: Inventory, host: str, *, force: bool = False) -> Plan | Refusal:
    """Remove a host, whether it answers or is lost permanently; `force` deletes pods that cannot be evicted."""
    out = inventory.find(host)
    if out is None:
        return Refusal(REMOVE, inventory.cluster, (_no_such_host(snapshot, host),))
    return _planned(change_of(REMOVE, snapshot, inventory, out=out), force=force)


def plan_remove_member(snapshot: ClusterSnapshot, inventory: Inventory, member_id: str) -> Plan | Refusal:
    """Remove a member by its ID: one that runs on no host of the inventory, or that never started."""
    normal_id = member_id.lower().removeprefix("0x").lstrip("0")
    rows = etcd_view(snapshot).members
    if not rows:
        return Refusal(REMOVE, inventory.cluster, (UNKNOWN_MEMBERS,))
    ghost = next((row for row in rows if row.member.id == normal_id), None)
    if ghost is None:
        there = ", ".join(f"{row.member.id} ({row.member.name or 'never started'})" for row in rows)
        return Refusal(REMOVE, inventory.cluster, (f"etcd lists no member {member_id}; its members are: {there}",))
    if ghost.host is not None and ghost.member.started and not _second_of_its_name(snapshot, ghost.member.name):
        reason = f"member {normal_id} runs on {ghost.host}: to remove it with its host, run remove {ghost.host}"
        return Refusal(REMOVE, inventory.cluster, (reason,))
    return _planned(change_of(REMOVE, snapshot, inventory, ghost=ghost))


def plan_replace(
    snapshot: ClusterSnapshot, inventory: Inventory, old: str, new: str, *, force: bool = False
) -> Plan | Refusal:
    """Remove the old host, then add the new one, as one plan; for `force` see `plan_remove`."""
    out, into = inventory.find(old), inventory.find(new)
    reasons = []
    if out is None:
        reasons.append(_no_such_host(snapshot, old))
    if into is None:
        reasons.append(unknown_host(inventory, new))
    if out is not None and into is not None and out == into:
        reasons.append(f"{old} cannot replace itself: run remove {old}, then run join {old}")
    if reasons or out is None or into is None:
        return Refusal(REPLACE, inventory.cluster, tuple(reasons))
    change = change_of(REPLACE, snapshot, inventory, out=out, into=into)
    missing = [role for role in out.roles if role not in into.roles]
    if missing:
        reason = f"{new} lacks roles of {old}: {', '.join(missing)}; give {new} these roles in the inventory"
        return Refusal(REPLACE, inventory.cluster, (reason, *refusals(change)))
    return _planned(change, force=force)


FORCED = "pods of {host} that a PodDisruptionBudget protects, and pods that no controller starts again"


def _planned(change: MembershipChange, *, force: bool = False) -> Plan | Refusal:
    new_hosts = (change.into,) if change.into else ()
    prepared, unprepared = preparation(change.snapshot, change.inventory, new_hosts)
    reasons = (*refusals(change), *unprepared)
    if reasons:
        return Refusal(change.action, change.inventory.cluster, reasons)
    leaves = change.out.name if change.out else ""
    kubeadm = is_kubeadm(change.inventory)
    groups = _kubeadm_groups(change, force=force) if kubeadm else _groups(change)
    return Plan(
        change.action,
        change.inventory.cluster,
        after_preparation(prepared, in_order(groups)),
        _summary(change),
        data_loss=FORCED.format(host=leaves) if force and kubeadm and leaves else "",
        departing_host=leaves,
    )


def _kubeadm_groups(change: MembershipChange, *, force: bool) -> tuple[Group, ...]:
    checks = (*preflight_of(change), *members_preflight(change))
    return (*kubeadm_groups(change, checks, force=force), _last_look(change))


def _groups(change: MembershipChange) -> tuple[Group, ...]:
    """Steps without effect on other hosts first; removal before addition; then updates of other hosts; final checks
    last.

    API servers are updated before a running member is removed, so that none is connected to it then, and otherwise once
    the new one votes.
    """
    follow = control_plane.api_servers_follow(change)
    leaving_alive = change.leaving is not None and change.leaving.healthy
    return (
        preflight(change),
        etcd.snapshot(change),
        *control_plane.certificates(change),
        *(() if change.action == REJOIN else etcd.member_files(change)),
        *balancers.vip_out(change),
        *control_plane.components_out(change),
        *(follow if leaving_alive else ()),
        *etcd.member_out(change),
        *leaving.etcd_stopped(change),
        *(etcd.member_files(change) if change.action == REJOIN else ()),
        *etcd.member_in(change),
        *control_plane.components_in(change),
        *(() if leaving_alive else follow),
        *balancers.servers_follow(change),
        *balancers.peers_follow(change),
        *leaving.host_out(change),
        etcd.settled(change),
        _last_look(change),
    )


def _last_look(change: MembershipChange) -> Group:
    """The final checks of bootstrap, for the hosts that stay and answer."""
    names = tuple(HostName(host.name) for host in change.after.hosts if _is_observed(change, host))
    steps = verify_steps(change.after) if change.action != REMOVE or change.ghost is None else ()
    return tuple(_among(step, names) for step in steps if step.host in names)


def _is_observed(change: MembershipChange, host: Host) -> bool:
    return answers(change.snapshot, host)


def _among(step: Step, names: tuple[HostName, ...]) -> Step:
    """The step, with checks that query and accept only the hosts that stay."""
    checks = tuple(_narrowed(check, names) for check in step.verification)
    return replace(
        step, verification=checks, precondition=tuple(_narrowed(check, names) for check in step.precondition)
    )


def _narrowed(check: Check, names: tuple[HostName, ...]) -> Check:
    match check:
        case VipOwned() | LeaseHeld():
            return replace(check, hosts=names)
        case _:
            return check


def _no_such_host(snapshot: ClusterSnapshot, name: str) -> str:
    ghosts = tuple(row for row in etcd_view(snapshot).members if row.host is None)
    ghost_list = ", ".join(f"{row.member.name or 'never started'} is {row.member.id}" for row in ghosts)
    way_out = f"run remove with member-id = ID ({ghost_list})" if ghosts else "etcd lists no such member"
    return f"the inventory has no host {name}; a member on an unknown host is removed by its ID: {way_out}"


def _second_of_its_name(snapshot: ClusterSnapshot, name: str) -> bool:
    return sum(row.member.name == name for row in etcd_view(snapshot).members) > 1


def _summary(change: MembershipChange) -> str:
    """The leaving and new hosts, the vote count, the snapshot, and notes."""
    lines = [_who(change)]
    if change.leaving or change.brings_member:
        quorum = change.view.quorum
        after = Quorum(change.voters_after, change.voters_after if change.brings_member else len(change.ask))
        lines.append(f"etcd now: {quorum.sentence() if quorum else 'unknown'}; then: {after.sentence()}")
        if after.voters % 2 == 0:
            lines.append(
                f"{after.voters} voters tolerate no more failures than {after.voters - 1}: add or remove a voter"
            )
        if change.ask:
            path = snapshot_path(change.inventory, change.snapshot.observed_at)
            lines.append(f"a snapshot is kept on {change.ask[0]}: {path}")
    if change.moves(Role.ETCD):
        lines += not_drained(change.snapshot, control_plane.balancers(change))
    lines += [
        f"{host.name} cannot be reached and keeps its older configuration"
        for host in change.after.hosts
        if not _is_observed(change, host)
    ]
    if is_kubeadm(change.inventory):
        lines += notes(change)
    return "\n".join(lines)


def _who(change: MembershipChange) -> str:
    into, out = change.into, change.out
    if change.ghost is not None:
        rest = f", then join {into.name} as a new member" if into is not None else ""
        return f"remove member {change.ghost.member.name or change.ghost.member.id}{rest}"
    parts = []
    if out is not None:
        state = "" if change.out_answers else ", which does not answer: nothing is changed on it"
        parts.append(f"remove {out.name}{state}")
    if into is not None:
        parts.append(f"add {into.name} as {', '.join(_words(into))}")
    return "; ".join(parts)


def _words(host: Host) -> tuple[str, ...]:
    return tuple(role.value for role in host.roles if role is not Role.BASTION)
