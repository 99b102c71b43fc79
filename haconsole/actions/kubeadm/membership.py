"""Plans joins, removals and replacements of hosts in a kubeadm cluster, with refusals and notes for a person."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from haconsole.actions.balancing import balancing
from haconsole.actions.build import start_step
from haconsole.actions.kubeadm.cluster import foreign_balancers, node_name, release
from haconsole.actions.kubeadm.join import halves_steps, join_step, preflight_steps
from haconsole.actions.kubeadm.leave import ask_of, leave_groups
from haconsole.actions.kubeadm.recorded import as_recorded
from haconsole.actions.membership import balancers, etcd
from haconsole.actions.membership.change import MembershipChange, answers
from haconsole.actions.operations import Irreversible
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.services import file_test
from haconsole.configs.layout import is_stacked
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role, reach_problem
from haconsole.model.names import HostName
from haconsole.model.observed import reason_of, value_of

SECOND_VOTER = (
    "the second voter of etcd needs about 10 s to start. etcd has no quorum in that time: requests to the API wait or "
    "fail. kube-scheduler and kube-controller-manager may then restart"
)
START_WHY = "The configuration is not haconsole's and was kept when the host was removed."


def kubeadm_groups(change: MembershipChange, preflight: Group, *, force: bool) -> tuple[Group, ...]:
    """Removal before addition; then the balancers that this console wrote."""
    theirs = foreign_balancers(change.snapshot, change.layout, _balancers(change))
    own = without_balancers(change, theirs)
    return (
        preflight,
        etcd.snapshot(change),
        *leave_groups(change, force=force),
        *_join(change),
        *(balancers.servers_follow(own) if not _foreign_into(change, theirs) else ()),
        *(balancers.peers_follow(own) if not _foreign_into(change, theirs) else ()),
        _started_again(change, theirs),
    )


def preflight_of(change: MembershipChange) -> Group:
    """The new host's own checks."""
    into, version = change.into, release(change.snapshot, change.inventory)
    if into is None or version is None:
        return ()
    others = tuple(host for host in change.others(Role.ETCD))
    return preflight_steps(as_recorded(change.snapshot, change.inventory), into, version, others)


def _join(change: MembershipChange) -> tuple[Group, ...]:
    into, version, ask = change.into, release(change.snapshot, change.inventory), ask_of(change)
    if into is None or version is None:
        return ()
    node = node_name(change.snapshot, into)
    end = f"unfinished-{change.snapshot.observed_at:%Y%m%dT%H%M%SZ}"
    groups: list[Group] = [
        *((step,) for step in halves_steps(change.inventory, into, node, end, ask)),
        (join_step(change.inventory, change.layout, into, node, version, ask),),
    ]
    if Role.ETCD in into.roles and change.ask:
        hosts = (*change.ask, HostName(into.name))
        groups.append(etcd.healthy(change, "joined", len(change.staying) + 1, hosts))
    return tuple(groups)


def _balancers(change: MembershipChange) -> tuple[Host, ...]:
    """All balancers after the change that answer."""
    into = (change.into,) if change.into and Role.LOAD_BALANCER in change.into.roles else ()
    return (*change.others(Role.LOAD_BALANCER), *(host for host in into if answers(change.snapshot, host)))


def _foreign_into(change: MembershipChange, theirs: tuple[HostName, ...]) -> bool:
    """The new host would be a balancer among ones of the site's own: it is set up like them, by hand."""
    return bool(theirs) and change.into is not None and Role.LOAD_BALANCER in change.into.roles


def without_balancers(change: MembershipChange, names: tuple[HostName, ...]) -> MembershipChange:
    """The change as balancers of this console see it: `names` are not written."""
    if not names:
        return change
    hosts = tuple(_without_role(host) if host.name in names else host for host in change.after.inventory.hosts)
    return replace(change, after=_with_hosts(change.after, tuple(host for host in hosts if host.roles)))


def _without_role(host: Host) -> Host:
    return msgspec.structs.replace(host, roles=tuple(role for role in host.roles if role is not Role.LOAD_BALANCER))


def _with_hosts(ctx: PlanContext, hosts: tuple[Host, ...]) -> PlanContext:
    return replace(ctx, inventory=msgspec.structs.replace(ctx.inventory, hosts=hosts))


def _started_again(change: MembershipChange, theirs: tuple[HostName, ...]) -> Group:
    """haproxy and keepalived on a new host that has the site's own configuration of both."""
    into, haproxy, keepalived = change.into, change.layout.haproxy, change.layout.keepalived
    if into is None or haproxy is None or into.name not in theirs or Role.LOAD_BALANCER not in into.roles:
        return ()
    units = [(haproxy.unit, file_test("haproxy", haproxy.config_file))]
    units += [(keepalived.unit, file_test("keepalived", keepalived.config_file))] if keepalived else []
    return tuple(
        start_step(
            f"{unit.partition('.')[0]}.start",
            into.name,
            unit,
            title=f"Start {unit.partition('.')[0]}",
            why=START_WHY,
            phase=unit.partition(".")[0],
            newer_than=(),
            needs=(),
            undo=Irreversible(f"stop it with: systemctl disable --now {unit}"),
            test=test,
        )
        for unit, test in units
    )


def refusals(change: MembershipChange) -> tuple[str, ...]:
    """Obstacles that only clusters of kubeadm's have; quorum and other members are judged as for all clusters."""
    return (*_external(change), *_unreached(change), *_version(change), *_rejoining(change))


def _external(change: MembershipChange) -> tuple[str, ...]:
    moving = [host for host in (change.out, change.into) if host]
    members = ", ".join(host.name for host in moving if Role.ETCD in host.roles)
    if not members or is_stacked(change.inventory):
        return ()
    reason = (
        f"{members} has the role etcd, and kubeadm does not run this etcd: API servers of kubeadm name every member in "
        "--etcd-servers, which haconsole does not change. Change the member with etcdctl, then --etcd-servers in each "
        "manifest and the endpoints in kubeadm-config; hosts without the role etcd can join and leave"
    )
    return (reason,)


def _unreached(change: MembershipChange) -> tuple[str, ...]:
    reasons = []
    into = change.into
    if into is not None and not answers(change.snapshot, into):
        facts = change.snapshot.host(HostName(into.name))
        reasons.append(f"{into.name} cannot be reached: {reach_problem(facts)}")
    if not ask_of(change):
        reasons.append("the change needs the API, and no API server of another host answers: fix one first")
    elif value_of(change.snapshot.nodes) is None:
        why = reason_of(change.snapshot.nodes) or "they were not queried"
        reasons.append(f"the list of nodes is unknown, so no node can be drained: {why}; retry")
    return tuple(reasons)


def _version(change: MembershipChange) -> tuple[str, ...]:
    if change.into is None or release(change.snapshot, change.inventory) is not None:
        return ()
    return ("the cluster's release is unknown: no API server reports it; set kubernetes.version, e.g. 1.31.4",)


def _rejoining(change: MembershipChange) -> tuple[str, ...]:
    if change.action != "rejoin" or change.into is None:
        return ()
    name = change.into.name
    return (f"kubeadm's etcd joins only together with its control plane: run remove {name}, then run join {name}",)


def notes(change: MembershipChange) -> tuple[str, ...]:
    """Work that is left to a person, and what kubeadm of this release cannot do."""
    return (*_foreign_notes(change), *_voter_note(change))


def _foreign_notes(change: MembershipChange) -> list[str]:
    """The lines of the site's own haproxy.cfg that name the hosts, and balancers to set up by hand."""
    theirs = foreign_balancers(change.snapshot, change.layout, _balancers(change))
    if not theirs or not change.moves(Role.CONTROL_PLANE):
        return []
    haproxy, on = change.layout.haproxy, ", ".join(theirs)
    file = haproxy.config_file if haproxy else "the balancer's configuration"
    kubernetes = change.layout.kubernetes
    port = kubernetes.api_port if kubernetes else 6443
    lines = []
    if change.out is not None and Role.CONTROL_PLANE in change.out.roles:
        servers = balancing(change.snapshot, change.inventory, change.out).servers(theirs)
        name = f"{servers.backend}/{servers.server}" if servers.server else f"{change.out.address}:{port}"
        lines.append(f"{file} on {on} is not haconsole's: remove server {name} from it by hand, then reload haproxy")
    if change.into is not None and Role.CONTROL_PLANE in change.into.roles:
        server = f"{change.into.address}:{port}"
        lines.append(f"{file} on {on} is not haconsole's: add server {server} to it by hand, then reload haproxy")
        if Role.LOAD_BALANCER in change.into.roles and change.into.name not in theirs:
            lines.append(f"set up haproxy and keepalived on {change.into.name} by hand, like those on {on}")
    return lines


def _voter_note(change: MembershipChange) -> tuple[str, ...]:
    """kubeadm adds members as learners since 1.29 only."""
    version = release(change.snapshot, change.inventory)
    if change.into is None or version is None or not change.brings_member or int(version.split(".")[1]) >= 29:
        return ()
    voter = (
        f"kubeadm {version} adds the etcd member as a voter, not as a learner: the member counts for the quorum "
        "before it has started"
    )
    return (voter, *((SECOND_VOTER,) if len(change.staying) == 1 else ()))
