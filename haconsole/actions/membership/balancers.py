"""The balancers' part: the VIP handed over, and every other balancer's servers and peers changed one at a time."""

from __future__ import annotations

from dataclasses import replace

from haconsole.actions.bootstrap import haproxy as bootstrap_haproxy
from haconsole.actions.bootstrap import keepalived as bootstrap_keepalived
from haconsole.actions.build import look_step
from haconsole.actions.checks import BackendsUp, Check, VipOwned
from haconsole.actions.membership.change import Change
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
    "Stopping, keepalived tells the others at once, so that the VIP is elsewhere in less than a second. Connections "
    "are ended before: new ones wait a moment for the next owner, those under way may end for 1.5 s."
)
HELD_WHY = "Clients reach the cluster through it, so it must be held by a balancer that stays."
SERVERS_WHY = "A reload lets connections under way end where they are; new ones go to the servers there are now."
PEERS_WHY = "Balancers must know one another before one more speaks up, or both would hold the VIP."


def vip_out(change: Change) -> tuple[Group, ...]:
    """The VIPs with a balancer that stays."""
    out = change.out
    if out is None or Role.LOAD_BALANCER not in out.roles or change.layout.keepalived is None:
        return ()
    groups: list[Group] = []
    if change.out_answers:
        groups.append((_leave(change.layout, change.layout.keepalived.unit, out, vip_addresses(change.inventory)),))
    names = balancers(change)
    if names:
        held = tuple(VipOwned(address, names) for address in vip_addresses(change.inventory))
        title = "See the VIPs held by a balancer that stays"
        groups.append(
            (look_step("keepalived.held", names[0], held, title=title, why=HELD_WHY, phase=KEEPALIVED, wait_s=WAIT_S),)
        )
    return tuple(groups)


def _leave(layout: Layout, unit: str, out: Host, addresses: tuple[str, ...]) -> Step:
    """keepalived stopped for good, the connections to its VIPs ended before."""
    title = "Hand its VIPs over"
    step = stop_step("keepalived.stop", out.name, (unit,), title=title, why=HAND_OVER_WHY, phase=KEEPALIVED)
    if layout.haproxy is None:
        return step
    words = (str(layout.haproxy.bind_port), unit, *addresses)
    return replace(step, operation=RunCommand(("bash", "-ec", LEAVE.strip(), "leave", *words)))


def servers_follow(change: Change) -> tuple[Group, ...]:
    """haproxy on the host that comes, then the others' list of servers, one at a time."""
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
            title="Have haproxy take up the servers there are",
            why=SERVERS_WHY,
            phase=HAPROXY,
            newer_than=(haproxy.config_file,),
            test=f"haproxy -c -q -f {haproxy.config_file}",
            also=(BackendsUp(servers),),
        )
        groups.append((reload,))
    return tuple(groups)


def peers_follow(change: Change) -> tuple[Group, ...]:
    """The other balancers' keepalived first, one at a time, then the one of the host that comes."""
    keepalived = change.layout.keepalived
    if keepalived is None or not change.moves(Role.LOAD_BALANCER):
        return ()
    steps = bootstrap_keepalived.keepalived_steps(change.after, ())
    names = balancers(change)
    held: tuple[Check, ...] = tuple(VipOwned(address, names) for address in vip_addresses(change.inventory))
    groups: list[Group] = []
    for host in change.others(Role.LOAD_BALANCER):
        groups.append(steps_named(steps_on(steps, host), "keepalived.config"))
        reload = reload_step(
            "keepalived.reload",
            host.name,
            keepalived.unit,
            title="Have keepalived take up the balancers there are",
            why=PEERS_WHY,
            phase=KEEPALIVED,
            newer_than=(keepalived.config_file,),
            test=f"keepalived -t -f {keepalived.config_file}",
            also=held,
        )
        groups.append((reload,))
    if change.into is not None and Role.LOAD_BALANCER in change.into.roles:
        own = steps_on(steps, change.into)
        files = ("keepalived.check", "keepalived.config", "keepalived.drop-in")
        groups += [steps_named(own, *files), *one_by_one(steps_named(own, "keepalived.start"))]
    return tuple(groups)
