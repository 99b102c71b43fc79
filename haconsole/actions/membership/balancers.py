"""The steps of a join or removal on balancers: hand the VIP over, and update the other balancers one at a time."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap import haproxy as bootstrap_haproxy
from haconsole.actions.bootstrap import keepalived as bootstrap_keepalived
from haconsole.actions.build import look_step
from haconsole.actions.checks import BackendsUp, Check, VipOwned
from haconsole.actions.membership.change import MembershipChange
from haconsole.actions.membership.control_plane import balancers
from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group, one_by_one, steps_named, steps_on
from haconsole.actions.steps.services import reload_step, stop_step
from haconsole.actions.steps.vip_scripts import LEAVE
from haconsole.configs.layout import Layout
from haconsole.inventory.effective import vip_addresses
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role

HAPROXY, KEEPALIVED = "haproxy", "keepalived"
WAIT_S = 60.0

HAND_OVER_WHY = (
    "First, new connections are held for the next owner, and open requests have 1.5 s to finish. Then keepalived "
    "advertises that it stops, so the VIP moves in less than a second."
)
HELD_WHY = "Clients reach the cluster through the VIP, so a balancer that stays must hold it."
SERVERS_WHY = "During a reload the old process finishes open connections; new ones use the current servers."
PEERS_WHY = (
    "The other balancers must list a new balancer as a peer before it advertises. Otherwise two balancers would "
    "hold the VIP."
)


def vip_out(change: MembershipChange) -> tuple[Group, ...]:
    """Wait until a balancer that stays holds the VIPs."""
    out = change.out
    if out is None or Role.LOAD_BALANCER not in out.roles or change.layout.keepalived is None:
        return ()
    groups: list[Group] = []
    if change.out_answers:
        groups.append((_leave(change.layout, change.layout.keepalived.unit, out, vip_addresses(change.inventory)),))
    names = balancers(change)
    if names:
        vips_owned = tuple(VipOwned(address, names) for address in vip_addresses(change.inventory))
        title = "Verify that a remaining balancer holds the VIPs"
        groups.append(
            (
                look_step(
                    "keepalived.held", names[0], vips_owned, title=title, why=HELD_WHY, phase=KEEPALIVED, wait_s=WAIT_S
                ),
            )
        )
    return tuple(groups)


def _leave(layout: Layout, unit: str, out: Host, addresses: tuple[str, ...]) -> Step:
    """Stop keepalived permanently, after the connections to its VIPs have ended."""
    title = "Hand over the host's VIPs"
    step = stop_step("keepalived.stop", out.name, (unit,), title=title, why=HAND_OVER_WHY, phase=KEEPALIVED)
    if layout.haproxy is None:
        return step
    words = (str(layout.haproxy.bind_port), unit, *addresses)
    return replace(step, operation=RunCommand(("bash", "-ec", LEAVE.strip(), "leave", *words)))


def servers_follow(change: MembershipChange) -> tuple[Group, ...]:
    """haproxy on the new host, then the others' list of servers, one at a time."""
    haproxy = change.layout.haproxy
    if haproxy is None or change.layout.kubernetes is None:
        return ()
    steps = bootstrap_haproxy.haproxy_steps(change.after, ())
    groups: list[Group] = []
    if change.into is not None and Role.LOAD_BALANCER in change.into.roles:
        own = steps_on(steps, change.into)
        groups += [steps_named(own, "haproxy.config", "haproxy.drop-in"), steps_named(own, "haproxy.start")]
    if not change.moves(Role.CONTROL_PLANE):
        return tuple(groups)
    servers = tuple(host.name for host in change.after.control_planes)
    for host in change.others(Role.LOAD_BALANCER):
        groups.append(steps_named(steps_on(steps, host), "haproxy.config"))
        reload = reload_step(
            "haproxy.reload",
            host.name,
            haproxy.unit,
            title="Reload haproxy with the current servers",
            why=SERVERS_WHY,
            phase=HAPROXY,
            newer_than=(haproxy.config_file,),
            test=f"haproxy -c -q -f {haproxy.config_file}",
            also=(BackendsUp(servers),),
        )
        groups.append((reload,))
    return tuple(groups)


def peers_follow(change: MembershipChange) -> tuple[Group, ...]:
    """The other balancers' keepalived first, one at a time, then the one of the new host."""
    keepalived = change.layout.keepalived
    if keepalived is None or not change.moves(Role.LOAD_BALANCER):
        return ()
    steps = bootstrap_keepalived.keepalived_steps(change.after, ())
    names = balancers(change)
    vips_owned: tuple[Check, ...] = tuple(VipOwned(address, names) for address in vip_addresses(change.inventory))
    groups: list[Group] = []
    for host in change.others(Role.LOAD_BALANCER):
        groups.append(steps_named(steps_on(steps, host), "keepalived.config"))
        reload = reload_step(
            "keepalived.reload",
            host.name,
            keepalived.unit,
            title="Reload keepalived with the current balancers",
            why=PEERS_WHY,
            phase=KEEPALIVED,
            newer_than=(keepalived.config_file,),
            test=f"keepalived -t -f {keepalived.config_file}",
            also=vips_owned,
        )
        groups.append((reload,))
    if change.into is not None and Role.LOAD_BALANCER in change.into.roles:
        own = steps_on(steps, change.into)
        files = ("keepalived.check", "keepalived.config", "keepalived.drop-in")
        groups += [steps_named(own, *files), *one_by_one(steps_named(own, "keepalived.start"))]
    return tuple(groups)
