"""Plans the action announce-vip: the VIP's owner sends gratuitous ARP, so that neighbours update its MAC address."""

from __future__ import annotations

from ipaddress import ip_address

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import Check
from haconsole.actions.membership.change import answers
from haconsole.actions.operations import LeftByUndo, RunCommand
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.order import in_order
from haconsole.actions.steps.vip import chosen_vip
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.names import HostName, Vip
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState, VipView
from haconsole.model.vip_view import hardware_of, vip_view
from haconsole.scripts import load_script

ANNOUNCE_VIP = "announce-vip"
PHASE = "keepalived"
LEARNT_S = 15.0

ANNOUNCE, NEIGHBOUR = load_script("announce-address"), load_script("check-neighbour")
HERE = 'ip -o address show to "$1" | grep -q .'

WHY = "Hosts whose neighbour table has an old MAC address for the VIP send its packets to the wrong host."
LEARNT_WHY = (
    "A host without an entry for the VIP resolves the address when needed. An existing entry must have the owner's "
    "MAC address."
)


def announce_vip_action() -> Action:
    """One VIP, by its owner."""
    return Action(
        ANNOUNCE_VIP,
        "Announce a VIP",
        (
            "Let the VIP's owner send gratuitous ARP, and verify that the other hosts have the owner's MAC address. "
            "Neither the VIP nor a configuration changes."
        ),
        (
            Argument(
                "vip", ArgumentKind.TEXT, "the VIP's address; not needed if there is only one VIP", positional=True
            ),
        ),
        plan_announce_vip,
        synonyms=("arp", "gratuitous", "neighbour", "garp", "mac"),
    )


def plan_announce_vip(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Refused without exactly one owner, and for IPv6, whose neighbours need another announcement."""
    address, reasons = chosen_vip(snapshot.vips, request.get("vip"))
    if address is None:
        return Refusal(ANNOUNCE_VIP, inventory.cluster, reasons)
    view = vip_view(snapshot, address)
    owner = inventory.find(view.owners[0]) if view.state is VipState.OWNED else None
    facts = snapshot.host(HostName(owner.name)) if owner else None
    hardware = hardware_of(facts, address) if facts else ""
    reasons = _refusals(view, owner, hardware)
    if reasons or owner is None:
        return Refusal(ANNOUNCE_VIP, inventory.cluster, reasons)
    others = tuple(host for host in inventory.hosts if host != owner and answers(snapshot, host))
    groups = ((_announce(owner, address),), tuple(_learnt(host, address, hardware, owner) for host in others))
    return Plan(ANNOUNCE_VIP, inventory.cluster, in_order(groups), f"{address} is on {owner.name} ({hardware})")


def _refusals(view: VipView, owner: Host | None, hardware: str) -> tuple[str, ...]:
    if owner is None:
        by = f" by {' and '.join(view.owners)}" if view.owners else ""
        return (f"{view.address} is {view.state}{by}, but only a single owner may announce it: run doctor",)
    if ip_address(view.address).version != 4:
        return (
            (
                f"gratuitous ARP does not cover the IPv6 address {view.address}: on hosts with an old "
                f"neighbour entry run ip -6 neighbour flush to {view.address}"
            ),
        )
    if not hardware:
        return (f"the MAC address of {owner.name} is unknown: retry",)
    return ()


def _announce(owner: Host, address: Vip) -> Step:
    here: Check = script(
        HERE, "here", address, means=f"{address} is on this host", problem=f"{address} is not on this host any more"
    )
    return Step(
        id=step_id("vip.announce", owner.name),
        title=f"Announce {address}",
        why=WHY,
        host=HostName(owner.name),
        operation=RunCommand(("sh", "-ec", ANNOUNCE, "announce-address", address), timeout_s=30.0),
        precondition=(here,),
        undo=LeftByUndo("neighbours keep the announced MAC address, which is the owner's"),
        phase=PHASE,
    )


def _learnt(host: Host, address: Vip, hardware: str, owner: Host) -> Step:
    means = f"every neighbour entry of the VIP has the MAC address {hardware}"
    problem = f"the neighbour entry of {address} does not have the MAC address of {owner.name}"
    return look_step(
        "vip.learnt",
        host.name,
        (script(NEIGHBOUR, "check-neighbour", address, hardware, means=means, problem=problem),),
        title=f"Verify that {host.name} reaches {owner.name} by {address}",
        why=LEARNT_WHY,
        phase=PHASE,
        wait_s=LEARNT_S,
    )
