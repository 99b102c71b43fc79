"""Moves the VIPs away from a balancer before its services restart, and back afterwards."""

from __future__ import annotations

from haconsole.actions.balancer_files import heedless
from haconsole.actions.balancing import not_drained
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import AnyOf, Check, CommandSucceeds, ServiceRunning, VipOwned
from haconsole.actions.operations import LeftByUndo, RunCommand, UndoByCommand
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.static_pods import restarts_pods
from haconsole.actions.steps.vip import give_up, vip_absent, way_back
from haconsole.actions.steps.vip_scripts import HAND_OVER, STAND_AGAIN, STANDS_AGAIN
from haconsole.inventory.effective import vip_address, vip_addresses, vrrp_ranks
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED, Known, Observed
from haconsole.model.vip_view import unfit, vip_views

SAYS = "haconsole: this host gives up its VIPs while its services restart; the action failback removes this file"
EARLIER = "haconsole: this host gives its VIPs up while its services are restarted; run failback takes this away"
"""The line of versions before 0.2, which a run that was cut off may have left."""
WAIT_S = 30.0
HAND_OVER_WHY = (
    "No client should use the services here while they restart, so another balancer holds the VIPs meanwhile. "
    "If no balancer takes the VIPs, they stay here and nothing is restarted."
)
STAND_AGAIN_WHY = "Everything here was verified after its restart, so the host is allowed to hold VIPs again."
BACK_WHY = "The VIP returns to the balancer with the highest priority before the next host is changed."


def with_vips_elsewhere(
    ctx: PlanContext, host: Host, what: str, groups: tuple[Group, ...], phase: str
) -> tuple[Group, ...]:
    """The groups of a host's turn, with its VIPs handed over before them unless all restarts are already done."""
    keepalived = ctx.layout.keepalived
    others = tuple(HostName(one.name) for one in ctx.balancers if one != host and not unfit(ctx.snapshot, one.name))
    restarts = _restarts(host, groups)
    if keepalived is None or host not in ctx.balancers or not vip_addresses(ctx.inventory):
        return groups
    if not others or not restarts or not_by_down_file(ctx):
        return groups
    return (
        (_hand_over(ctx, host, what, others, restarts, phase),),
        *groups,
        (_stand_again(host, what, keepalived.down_file, phase),),
        *_back(ctx, host, others, what, phase),
    )


def vips_that_stay(ctx: PlanContext) -> tuple[str, ...]:
    """VIPs that stay during restarts, and balancers that cannot drain, with the reasons, in sentences."""
    lines = []
    foreign = not_by_down_file(ctx)
    for view in vip_views(ctx.snapshot):
        others = {host.name: unfit(ctx.snapshot, host.name) for host in ctx.balancers if host.name not in view.owners}
        if view.owners and foreign:
            lines.append(f"{view.address} stays on {', '.join(view.owners)} while API servers restart: {foreign}")
        elif view.owners and others and all(others.values()):
            why = "; ".join(f"{name} {reason}" for name, reason in others.items())
            lines.append(f"{view.address} stays on {', '.join(view.owners)} while drained API servers restart: {why}")
    return (*lines, *not_drained(ctx.snapshot, tuple(HostName(host.name) for host in ctx.balancers)))


def not_by_down_file(ctx: PlanContext) -> str:
    """The reason to keep VIPs in place: a balancer's keepalived is not this console's and ignores the down file."""
    hosts = tuple(host.name for host in ctx.balancers if isinstance(_reach(ctx, host), Known))
    return "; ".join(heedless(ctx.snapshot, ctx.layout, hosts))


def _reach(ctx: PlanContext, host: Host) -> Observed[Reach]:
    facts = ctx.snapshot.host(HostName(host.name))
    return facts.reach if facts else NOT_ASKED


def _restarts(host: Host, groups: tuple[Group, ...]) -> tuple[Check, ...]:
    """The checks that every restart of the groups on the host was done; reloads interrupt nothing."""
    steps = (step for group in groups for step in group if step.host == host.name)
    return tuple(
        check
        for step in steps
        if restarts_pods(step)
        or any(isinstance(check, ServiceRunning) and not check.reloads for check in step.verification)
        for check in step.verification
        if isinstance(check, ServiceRunning | CommandSucceeds)
    )


def _hand_over(
    ctx: PlanContext, host: Host, what: str, others: tuple[HostName, ...], restarts: tuple[Check, ...], phase: str
) -> Step:
    keepalived = ctx.layout.keepalived
    assert keepalived is not None
    addresses = vip_addresses(ctx.inventory)
    vips_elsewhere = vip_absent(addresses, "this host has a VIP, and services on it must be restarted")
    vips_owned = tuple(VipOwned(address, others) for address in addresses)
    stand_again = RunCommand(("sh", "-ec", STAND_AGAIN.strip(), "stand-again", keepalived.down_file, SAYS, EARLIER))
    return Step(
        id=step_id(f"keepalived.hand-over-{what}", host.name),
        title="Hand over the host's VIPs",
        why=HAND_OVER_WHY,
        host=HostName(host.name),
        operation=give_up(HAND_OVER, "hand-over", ctx.layout, SAYS, addresses),
        verification=(AnyOf(((vips_elsewhere, *vips_owned), restarts)),),
        undo=UndoByCommand(stand_again, (_stands(keepalived.down_file),)),
        phase=phase,
    )


def _stand_again(host: Host, what: str, down_file: str, phase: str) -> Step:
    return Step(
        id=step_id(f"keepalived.stand-again-{what}", host.name),
        title="Allow the host to hold VIPs again",
        why=STAND_AGAIN_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", STAND_AGAIN.strip(), "stand-again", down_file, SAYS, EARLIER)),
        verification=(_stands(down_file),),
        undo=LeftByUndo("the host was allowed to hold VIPs before the run too"),
        phase=phase,
    )


def _stands(down_file: str) -> Check:
    return script(
        STANDS_AGAIN,
        "stands",
        down_file,
        SAYS,
        EARLIER,
        means="the host is allowed to hold VIPs",
        problem="its down file exists",
    )


def _back(ctx: PlanContext, host: Host, others: tuple[HostName, ...], what: str, phase: str) -> tuple[Group, ...]:
    """The others release VIPs to a host of higher priority; if it has the highest, its return is awaited."""
    ranks = vrrp_ranks(ctx.inventory)
    rank = ranks[HostName(host.name)]
    outranked = tuple(one for one in ctx.balancers if one.name in others and ranks[HostName(one.name)] < rank)
    owned = {view.address for view in vip_views(ctx.snapshot) if view.owners == (host.name,)}
    first = max(ranks, key=lambda name: ranks[name]) == host.name
    back = tuple(
        VipOwned(address, (HostName(host.name),))
        for vip in ctx.inventory.vips
        if first and vip.preempt and (address := vip_address(vip)) in owned
    )
    make_way = way_back(host, outranked, ctx.inventory, ctx.layout, phase=phase, what=f"{what}-{host.name}")
    if not back:
        return (make_way,)
    title = "Verify that the host's VIPs are back"
    look = look_step(f"keepalived.back-{what}", host.name, back, title=title, why=BACK_WHY, phase=phase, wait_s=WAIT_S)
    return make_way, (look,)
