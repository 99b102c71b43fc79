"""Plans failover and failback: a VIP leaves its owner by means of keepalived's down file, and returns."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.balancer_files import heedless
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import CommandSucceeds, FilesAbsent, ServiceRunning, VipAnswers, VipOwned
from haconsole.actions.membership.change import answers
from haconsole.actions.operations import LeftByUndo, RunCommand
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.order import Group, in_order
from haconsole.actions.steps.vip import chosen_vip, give_up, state_step, way_back
from haconsole.actions.steps.vip_scripts import GIVE_UP, HOLD_DOWN, TAKE_AWAY
from haconsole.configs.haproxy import HEALTH_PATH
from haconsole.configs.layout import HaproxyLayout, KeepalivedLayout, layout
from haconsole.inventory.effective import endpoint, join_host_port, vip_address, vrrp_ranks
from haconsole.inventory.schema import Host, Inventory, VirtualIp
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState
from haconsole.model.vip_view import held_down, unfit, vip_view, vip_views
from haconsole.scripts import load_script

FAILOVER, FAILBACK = "failover", "failback"
PHASE = "keepalived"
SAYS = "haconsole: this host gives up its VIPs while this file exists; the action failback removes it"
WAIT_S = 30.0
MEASURED_S = 10

SERVES = load_script("check-haproxy-serves")

MEASURE = load_script("measure-connections")

FIT_WHY = "A VIP moves only to a balancer that can hold it: its services run and its haproxy sees an API server as UP."
HOLD_WHY = "This host would take the VIP before the target does. Its down file prevents that."
GIVE_UP_WHY = (
    "First, new connections are held for the next owner, and open requests have 1.5 s to finish. Then the down "
    "file is written: keepalived's check fails, and the owner immediately advertises that it releases the VIP."
)
MEASURE_WHY = "Measure the effect of the move on clients: ten new connections through the VIP per second."
HELD_WHY = "Exactly one balancer holds the VIP, and the API answers there: clients reach the cluster."
TAKE_AWAY_WHY = "Without the down file the host competes for its VIPs again, with its priority."


def failover_actions() -> tuple[Action, ...]:
    """In the order of a menu."""
    vip = Argument("vip", ArgumentKind.TEXT, "the VIP's address; not needed if there is only one VIP", positional=True)
    to = Argument(
        "to", ArgumentKind.HOST, "the balancer that takes the VIP; by default the one with the next highest priority"
    )
    return (
        Action(
            FAILOVER,
            "Move a VIP",
            (
                "Move the VIP to another balancer before maintenance of its owner. The owner, and balancers with "
                "a higher priority than the target, keep a down file until failback. Lost connections are "
                "counted."
            ),
            (vip, to),
            plan_failover,
            synonyms=("virtual", "address", "balancer", "keepalived", "owner", "switchover"),
        ),
        Action(
            FAILBACK,
            "Move VIPs back",
            (
                "Remove the down files with which failover or a person keeps VIPs off hosts. Each VIP returns to "
                "the host of highest priority. The run counts lost connections."
            ),
            (vip,),
            plan_failback,
            synonyms=("virtual", "address", "balancer", "keepalived", "owner", "return"),
        ),
    )


def plan_failover(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """The VIP to `to`, or to the available balancer of the highest priority that does not hold it."""
    keepalived, haproxy = layout(inventory).keepalived, layout(inventory).haproxy
    vip, reasons = _vip_of(inventory, request)
    if vip is None or keepalived is None or haproxy is None:
        return Refusal(FAILOVER, inventory.cluster, reasons or ("the inventory has no balancers",))
    owner, why = _owner(snapshot, inventory, vip)
    if owner is None:
        return Refusal(FAILOVER, inventory.cluster, (why,))
    target, why = _target(snapshot, inventory, owner, request.get("to"))
    if target is None:
        return Refusal(FAILOVER, inventory.cluster, (why,))
    ranks = vrrp_ranks(inventory)
    before = tuple(
        host
        for host in _balancers(snapshot, inventory)
        if host not in (owner, target) and ranks[HostName(host.name)] > ranks[HostName(target.name)]
    )
    reasons = _not_by_down_file(snapshot, inventory, vip, owner, (owner, target, *before))
    if reasons:
        return Refusal(FAILOVER, inventory.cluster, reasons)
    addresses = tuple(vip_address(one) for one in inventory.vips if _holds(snapshot, owner, vip_address(one)))
    groups: tuple[Group, ...] = (
        (_fit(target, keepalived, haproxy),),
        tuple(_hold_down(host, inventory, (), keepalived) for host in before),
        tuple(_out_of_the_race(host, inventory) for host in before),
        (_measure(inventory, snapshot, vip, owner, target), _hold_down(owner, inventory, addresses, keepalived)),
        (_vip_owned_step(snapshot, inventory, vip, target),),
    )
    return Plan(FAILOVER, inventory.cluster, in_order(groups), _summary(vip, owner, target, before, addresses))


def plan_failback(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Remove every down file, that of the highest priority first, so that the VIP moves once."""
    keepalived, haproxy = layout(inventory).keepalived, layout(inventory).haproxy
    vip, reasons = _vip_of(inventory, request)
    if vip is None or keepalived is None or haproxy is None:
        return Refusal(FAILBACK, inventory.cluster, reasons or ("the inventory has no balancers",))
    ranks = vrrp_ranks(inventory)
    balancers = _balancers(snapshot, inventory)
    down = tuple(host for host in balancers if held_down(snapshot, host.name))
    if not down:
        return Refusal(FAILBACK, inventory.cluster, (f"no balancer has the down file {keepalived.down_file}",))
    owner, why = _owner(snapshot, inventory, vip)
    if owner is None:
        return Refusal(FAILBACK, inventory.cluster, (why,))
    reasons = _not_by_down_file(snapshot, inventory, vip, owner, tuple(dict.fromkeys((owner, *down))))
    if reasons:
        return Refusal(FAILBACK, inventory.cluster, reasons)
    first = max((owner, *down), key=lambda host: ranks[HostName(host.name)])
    target = first if vip.preempt else owner
    measure = _measure(inventory, snapshot, vip, owner, target)
    moves = _back(owner, target, inventory, keepalived) if target != owner else ()
    rest = tuple(_take_away(host, keepalived) for host in down if not moves or host != target)
    groups: tuple[Group, ...] = (
        tuple(_fit(host, keepalived, haproxy) for host in down),
        (measure, *(moves or rest)),
        (_vip_owned_step(snapshot, inventory, vip, target),),
        rest if moves else (),
    )
    summary = f"{vip_address(vip)} " + (
        f"moves from {owner.name} to {target.name}" if target != owner else f"stays on {owner.name}"
    )
    return Plan(FAILBACK, inventory.cluster, in_order(groups), summary)


def _vip_of(inventory: Inventory, request: Request) -> tuple[VirtualIp | None, tuple[str, ...]]:
    known = {vip_address(vip): vip for vip in inventory.vips}
    address, reasons = chosen_vip(tuple(known), request.get("vip"))
    return known[address] if address else None, reasons


def _owner(snapshot: ClusterSnapshot, inventory: Inventory, vip: VirtualIp) -> tuple[Host | None, str]:
    view = vip_view(snapshot, vip_address(vip))
    if view.state is not VipState.OWNED:
        by = f" by {' and '.join(view.owners)}" if view.owners else ""
        return None, f"{view.address} is {view.state}{by}, so a planned move is not possible: run doctor"
    return inventory.find(view.owners[0]), ""


def _target(
    snapshot: ClusterSnapshot, inventory: Inventory, owner: Host, target: str | None
) -> tuple[Host | None, str]:
    ranks = vrrp_ranks(inventory)
    if target == owner.name:
        return None, f"{target} already holds the VIP"
    if target is not None and HostName(target) not in ranks:
        return None, f"{target} is not a load balancer; the load balancers of the inventory are: {', '.join(ranks)}"
    why = {host.name: unfit(snapshot, host.name) for host in inventory.with_role(Role.LOAD_BALANCER) if host != owner}
    if target is not None and why[target]:
        return None, f"the VIP cannot move to {target}, which {why[target]}"
    names = (
        [target]
        if target
        else sorted((name for name in why if not why[name]), key=lambda name: ranks[HostName(name)], reverse=True)
    )
    if not names:
        reasons = "; ".join(f"{name} {reason}" for name, reason in why.items()) or "the inventory has only one balancer"
        return None, f"no other balancer can hold the VIP: {reasons}"
    return inventory.find(names[0]), ""


def _not_by_down_file(
    snapshot: ClusterSnapshot, inventory: Inventory, vip: VirtualIp, owner: Host, hosts: tuple[Host, ...]
) -> tuple[str, ...]:
    """The reason why the down file does not move the VIP here, and the manual alternative."""
    places = layout(inventory)
    reasons = heedless(snapshot, places, tuple(host.name for host in hosts))
    if not reasons or places.keepalived is None:
        return ()
    by_hand = (
        f"to move {vip_address(vip)} by hand, stop keepalived on {owner.name} (systemctl stop keepalived) and start it "
        "again after the work. For failover and failback every balancer must have the files that bootstrap writes"
    )
    return (*reasons, by_hand)


def _holds(snapshot: ClusterSnapshot, host: Host, address: str) -> bool:
    facts = snapshot.host(HostName(host.name))
    return facts is not None and any(one.address == address for one in value_of(facts.addresses) or ())


def _balancers(snapshot: ClusterSnapshot, inventory: Inventory) -> tuple[Host, ...]:
    return tuple(host for host in inventory.with_role(Role.LOAD_BALANCER) if answers(snapshot, host))


def _fit(host: Host, keepalived: KeepalivedLayout, haproxy: HaproxyLayout) -> Step:
    serves = CommandSucceeds(
        ("bash", "-c", SERVES, "serves", str(haproxy.health_port), HEALTH_PATH),
        "haproxy on this host sees no API server as UP",
        means="haproxy on this host sees an API server as UP",
    )
    checks = (ServiceRunning(keepalived.unit), ServiceRunning(haproxy.unit), serves)
    return look_step(
        "keepalived.fit", host.name, checks, title=f"Verify that {host.name} can hold the VIP", why=FIT_WHY, phase=PHASE
    )


def _hold_down(host: Host, inventory: Inventory, addresses: tuple[str, ...], keepalived: KeepalivedLayout) -> Step:
    """With `addresses` these are released."""
    file = keepalived.down_file
    there = script('[ -e "$1" ]', "down", file, means=f"{file} is there", problem=f"{file} is absent")
    kept_out = RunCommand(("sh", "-ec", HOLD_DOWN.strip(), "hold-down", file, SAYS))
    return Step(
        id=step_id("keepalived.down", host.name),
        title=f"Release {host.name}'s VIPs" if addresses else f"Create {host.name}'s down file",
        why=GIVE_UP_WHY if addresses else HOLD_WHY,
        host=HostName(host.name),
        operation=give_up(GIVE_UP, "give-up", layout(inventory), SAYS, addresses) if addresses else kept_out,
        verification=(there,),
        undo=RunCommand(("rm", "-f", "--", file)),
        phase=PHASE,
    )


def _out_of_the_race(host: Host, inventory: Inventory) -> Step:
    title = f"Verify that {host.name} cannot take the VIP"
    return state_step("keepalived.out", host, inventory, "FAULT", title=title, why=HOLD_WHY, phase=PHASE)


def _back(owner: Host, target: Host, inventory: Inventory, keepalived: KeepalivedLayout) -> Group:
    """Removes the target's down file, and the owner releases the VIP."""
    removal = _take_away(target, keepalived)
    way = way_back(target, (owner,), inventory, layout(inventory), phase=PHASE)
    return removal, *(replace(step, needs=step.needs or (removal.id,)) for step in way)


def _take_away(host: Host, keepalived: KeepalivedLayout) -> Step:
    file = keepalived.down_file
    return Step(
        id=step_id("keepalived.up", host.name),
        title=f"Remove {host.name}'s down file",
        why=TAKE_AWAY_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", TAKE_AWAY.strip(), "take-away", file)),
        verification=(FilesAbsent((file,), "it still exists"),),
        undo=RunCommand(("sh", "-ec", HOLD_DOWN.strip(), "hold-down", file, SAYS)),
        phase=PHASE,
    )


def _measure(inventory: Inventory, snapshot: ClusterSnapshot, vip: VirtualIp, owner: Host, target: Host) -> Step:
    """Runs on a host that neither releases nor takes the VIP, if there is one: it measures as clients do."""
    haproxy = layout(inventory).haproxy
    port = haproxy.bind_port if haproxy else 0
    hosts = (host for host in inventory.hosts if answers(snapshot, host) and host not in (owner, target))
    host = next(hosts, owner)
    words = (str(vip_address(vip)), str(port), str(MEASURED_S))
    return Step(
        id=step_id("keepalived.measure", host.name),
        title="Count lost connections during the move",
        why=MEASURE_WHY,
        host=HostName(host.name),
        operation=RunCommand(("bash", "-c", MEASURE, "measure", *words)),
        undo=LeftByUndo("nothing changes"),
        phase=PHASE,
    )


def _vip_owned_step(snapshot: ClusterSnapshot, inventory: Inventory, vip: VirtualIp, target: Host) -> Step:
    """Runs on a host that may query the API: the target, or a control plane."""
    balanced = endpoint(inventory)
    planes = [host for host in inventory.with_role(Role.CONTROL_PLANE) if answers(snapshot, host)]
    host = target if target in planes else next(iter(planes), target)
    answered = (VipAnswers(join_host_port(*balanced)),) if balanced and planes else ()
    return look_step(
        "keepalived.held",
        host.name,
        (*_owned_once(snapshot, inventory, vip, target), *answered),
        title=f"Verify that {target.name} holds {vip_address(vip)}",
        why=HELD_WHY,
        phase=PHASE,
        wait_s=WAIT_S,
    )


def _owned_once(snapshot: ClusterSnapshot, inventory: Inventory, vip: VirtualIp, target: Host) -> tuple[VipOwned, ...]:
    """The target holds the VIP, and no other balancer that answers does; other VIPs still have exactly one owner."""
    names = tuple(HostName(host.name) for host in _balancers(snapshot, inventory))
    owned = (view.address for view in vip_views(snapshot) if view.state is VipState.OWNED)
    addresses = dict.fromkeys((vip_address(vip), *owned))
    target_holds = VipOwned(vip_address(vip), (HostName(target.name),))
    return (target_holds, *(VipOwned(address, names) for address in addresses))


def _summary(vip: VirtualIp, owner: Host, target: Host, before: tuple[Host, ...], addresses: tuple[str, ...]) -> str:
    lines = [f"{vip_address(vip)} moves from {owner.name} to {target.name}"]
    others = [address for address in addresses if address != vip_address(vip)]
    if others:
        lines.append(f"{owner.name} also releases {', '.join(others)}: its down file is for all of its VIPs")
    down_hosts = ", ".join(host.name for host in (owner, *before))
    last = f"these balancers keep a down file until failback and cannot take over if {target.name} fails: {down_hosts}"
    return "\n".join((*lines, last))
