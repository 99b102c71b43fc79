"""The input of membership planners: the current cluster, the target, the leaving host and the new host."""

from __future__ import annotations

import msgspec

from haconsole.actions.plan_context import PlanContext, plan_context
from haconsole.configs.layout import Layout
from haconsole.inventory.effective import etcd_peer_url
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, etcd_view
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot


class MembershipChange(msgspec.Struct, frozen=True):
    """`now` is the inventory reduced to the current cluster, `after` the context after the change.

    `out` leaves the cluster and `into` joins it; either may be None. `ghost` is a member to remove that runs on no host
    of the inventory, or the dead member of `into`, which then joins as a new one.
    """

    action: str
    inventory: Inventory
    snapshot: ClusterSnapshot
    now: Inventory
    after: PlanContext
    view: EtcdView
    out: Host | None = None
    into: Host | None = None
    ghost: EtcdMemberView | None = None

    @property
    def layout(self) -> Layout:
        return self.after.layout

    @property
    def leaving(self) -> EtcdMemberView | None:
        """The member to remove, if it is on the list."""
        return self.ghost or (self.member_on(self.out) if self.out else None)

    @property
    def joining(self) -> EtcdMemberView | None:
        """The existing list entry of the new host; not the entry that is removed first."""
        row = self.member_on(self.into) if self.into else None
        return None if row is not None and row == self.ghost else row

    @property
    def brings_member(self) -> bool:
        """Whether a member must be added, or the addition of one completed."""
        if self.into is None or Role.ETCD not in self.into.roles:
            return False
        there = self.joining
        return there is None or not there.member.started or there.member.learner

    @property
    def staying(self) -> tuple[EtcdMemberView, ...]:
        """The voters that vote before, during and after the change."""
        moving = {row.member.id for row in (self.leaving, self.joining if self.brings_member else None) if row}
        return tuple(row for row in self.view.members if row.member.id not in moving and not row.member.learner)

    @property
    def ask(self) -> tuple[HostName, ...]:
        """Hosts whose members can process changes, those that do not lead first."""
        rows = sorted((row for row in self.staying if row.healthy and row.host), key=lambda row: row.leader)
        return tuple(row.host for row in rows if row.host)

    @property
    def voters_now(self) -> int:
        return sum(not row.member.learner for row in self.view.members)

    @property
    def voters_after(self) -> int:
        return len(self.staying) + self.brings_member

    @property
    def out_answers(self) -> bool:
        return self.out is not None and answers(self.snapshot, self.out)

    def moves(self, role: Role) -> bool:
        """Whether a host of `role` leaves or joins."""
        return any(role in host.roles for host in (self.out, self.into) if host)

    def member_on(self, host: Host) -> EtcdMemberView | None:
        """The listed member of a host: the one that runs there, otherwise the one with its peer URL."""
        url = etcd_peer_url(self.inventory, host)
        rows = self.view.members
        return next((row for row in rows if row.host == host.name or url in row.member.peer_urls), None)

    def others(self, role: Role) -> tuple[Host, ...]:
        """The hosts of `role` that stay and answer; hosts that do not answer keep their older configuration."""
        into = self.into.name if self.into else None
        hosts = self.after.inventory.with_role(role)
        return tuple(host for host in hosts if host.name != into and answers(self.snapshot, host))


def change_of(
    action: str,
    snapshot: ClusterSnapshot,
    inventory: Inventory,
    *,
    out: Host | None = None,
    into: Host | None = None,
    ghost: EtcdMemberView | None = None,
) -> MembershipChange:
    """The change with its context."""
    view = etcd_view(snapshot)
    now = _with_roles(inventory, {host.name: standing_roles(snapshot, view, host) for host in inventory.hosts})
    roles_by_name = {host.name: host.roles for host in now.hosts if out is None or host.name != out.name}
    if into is not None:
        roles_by_name[into.name] = into.roles
    after = plan_context(snapshot, _with_roles(inventory, roles_by_name), None)
    return MembershipChange(action, inventory, snapshot, now, after, view, out, into, ghost)


def standing_roles(snapshot: ClusterSnapshot, view: EtcdView, host: Host) -> tuple[Role, ...]:
    """The roles that a host already fills. A host that does not answer is assumed to; etcd's member list decides, if
    known.
    """
    return tuple(role for role in host.roles if _stands(snapshot, view, host, role))


def answers(snapshot: ClusterSnapshot, host: Host) -> bool:
    """Whether the host was reached when the snapshot was taken."""
    facts = snapshot.host(HostName(host.name))
    return facts is not None and isinstance(facts.reach, Known)


def _stands(snapshot: ClusterSnapshot, view: EtcdView, host: Host, role: Role) -> bool:
    facts = snapshot.host(HostName(host.name))
    match role:
        case Role.ETCD:
            return not view.current or any(row.host == host.name and row.member.started for row in view.members)
        case Role.CONTROL_PLANE:
            return _set_up(facts, "kube-apiserver")
        case Role.LOAD_BALANCER:
            return _set_up(facts, "haproxy", "keepalived")
        case Role.WORKER | Role.BASTION:
            return True


def _set_up(facts: HostFacts | None, *names: str) -> bool:
    if facts is None or value_of(facts.services) is None:
        return True
    units = (facts.service(name) for name in names)
    return any(unit is not None and (unit.running or bool(unit.enabled)) for unit in units)


def _with_roles(inventory: Inventory, roles: dict[str, tuple[Role, ...]]) -> Inventory:
    """The inventory with only these hosts and roles, in its own order."""
    hosts = tuple(
        msgspec.structs.replace(host, roles=roles[host.name]) for host in inventory.hosts if roles.get(host.name)
    )
    return msgspec.structs.replace(inventory, hosts=hosts)
