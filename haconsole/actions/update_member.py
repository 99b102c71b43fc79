"""Plans the action update-member: corrects a member's peer URL in etcd's member list."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import step_id
from haconsole.actions.checks import EtcdHealthy, MemberIs, MemberStage
from haconsole.actions.operations import UndoByCommand, UpdateMember
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.inventory.effective import etcd_peer_url
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd import EtcdMember
from haconsole.model.etcd_view import EtcdView, etcd_view
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot

UPDATE_MEMBER = "update-member"
WHY = "The other members connect to the URL in the list. The member itself keeps running, and its data does not change."


def update_member_action() -> Action:
    """One member, named by its host."""
    return Action(
        UPDATE_MEMBER,
        "Update a member's peer URL",
        "Correct the peer URL in etcd's member list to the host's address. Neither the member nor its data changes.",
        (Argument("host", ArgumentKind.HOST, "the member's host", positional=True, required=True),),
        plan_update_member,
        synonyms=("peer url", "member update"),
    )


def plan_update_member(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Refused without a quorum, and where the member is unknown or already listed at its own address."""
    name, view = HostName(request["host"]), etcd_view(snapshot)
    host = inventory.find(name)
    member = next((row.member for row in view.members if row.host == name and row.endpoint), None)
    reasons = tuple(_reasons(view, inventory, host, name, member))
    if reasons or host is None or member is None:
        return Refusal(UPDATE_MEMBER, inventory.cluster, reasons)
    step = _step(inventory, host, member, _healthy(view), sum(not row.member.learner for row in view.members))
    return Plan(UPDATE_MEMBER, inventory.cluster, (step,), f"member {member.name} on {host.name}")


def _reasons(
    view: EtcdView, inventory: Inventory, host: Host | None, name: str, member: EtcdMember | None
) -> tuple[str, ...]:
    if host is None or Role.ETCD not in host.roles:
        return (f"according to the inventory, {name} has no etcd",)
    if not _healthy(view):
        return ("etcd has no quorum now: run the action restart etcd",)
    if member is None:
        way_out = f"run join {name} if etcd lists no member on that host, otherwise run rejoin {name}"
        return (f"no member of the cluster answers on {name}: {way_out}",)
    if member.peer_urls == (etcd_peer_url(inventory, host),):
        return (f"the member on {name} is already listed at {member.peer_urls[0]}",)
    return ()


def _healthy(view: EtcdView) -> tuple[HostName, ...]:
    return tuple(row.host for row in view.members if row.host and row.healthy and not row.member.learner)


def _step(inventory: Inventory, host: Host, member: EtcdMember, ask: tuple[HostName, ...], voters: int) -> Step:
    url = etcd_peer_url(inventory, host)
    listed = MemberIs(url, MemberStage.LISTED, ask)
    before = UpdateMember(member.id, member.peer_urls[0], ask)
    return Step(
        id=step_id("etcd.update", host.name),
        title="Update the member's peer URL",
        why=WHY,
        host=HostName(host.name),
        operation=UpdateMember(member.id, url, ask),
        precondition=(EtcdHealthy(voters),),
        verification=(listed,),
        undo=UndoByCommand(before, (MemberIs(member.peer_urls[0], MemberStage.LISTED, ask),)),
        phase="etcd",
    )
