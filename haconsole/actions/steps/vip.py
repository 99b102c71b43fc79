"""Steps that move VIPs between balancers with nothing cut off, there and back again."""

from __future__ import annotations

from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import CommandSucceeds
from haconsole.actions.operations import Irreversible, RunCommand
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.vip_scripts import ELSEWHERE, IN_STATE, MAKE_WAY
from haconsole.configs.keepalived import instance_name
from haconsole.configs.layout import Layout
from haconsole.inventory.effective import vip_addresses
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.names import HostName

WAIT_S = 30.0
SAYS = "haconsole: this host makes way for one that outranks it; run failback if this file stays"
STANDS_WHY = "Its adverts take the VIPs from whoever it outranks some seconds after it stands for them again."
MAKE_WAY_WHY = "It is outranked: the VIPs go. Connections to them are ended before, or they would hang unheard."


def give_up(body: str, name: str, layout: Layout, says: str, addresses: tuple[str, ...]) -> RunCommand:
    """One of the scripts that give VIPs up, on a balancer with a VIP."""
    assert layout.haproxy is not None
    assert layout.keepalived is not None
    words = (str(layout.haproxy.bind_port), layout.keepalived.down_file, says, *addresses)
    return RunCommand(("bash", "-ec", body.strip(), name, *words))


def elsewhere(addresses: tuple[str, ...], otherwise: str) -> CommandSucceeds:
    """Whether none of the addresses is on the step's host."""
    return script(ELSEWHERE, "elsewhere", *addresses, means="no VIP is here", otherwise=otherwise)


def state_step(what: str, host: Host, inventory: Inventory, state: str, *, title: str, why: str, phase: str) -> Step:
    """Wait until every VRRP instance on the host has entered the `state`, or one of those parted by bars."""
    names = tuple(instance_name(vip) for vip in inventory.vips)
    told = state.replace("|", " or ")
    entered = script(
        IN_STATE, "state", state, *names, means=f"keepalived entered {told}", otherwise=f"it has not entered {told}"
    )
    return look_step(what, host.name, (entered,), title=title, why=why, phase=phase, wait_s=WAIT_S)


def way_back(
    host: Host, owners: tuple[Host, ...], inventory: Inventory, layout: Layout, *, phase: str, what: str = ""
) -> Group:
    """See `host` stand for its VIPs again, then have those of `owners` that hold any make way for it.

    Nothing where a VIP stays with its owner whoever outranks it: a host gives all of its VIPs up, or none.
    """
    if not owners or not all(vip.preempt for vip in inventory.vips):
        return ()
    addresses = vip_addresses(inventory)
    end = f"-{what}" if what else ""
    title = f"See {host.name} stand for its VIPs"
    stands = state_step(
        f"keepalived.stands{end}", host, inventory, "BACKUP|MASTER", title=title, why=STANDS_WHY, phase=phase
    )
    make_way = tuple(
        Step(
            id=step_id(f"keepalived.make-way{end}", owner.name),
            title=f"Make way for {host.name}",
            why=MAKE_WAY_WHY,
            host=HostName(owner.name),
            operation=give_up(MAKE_WAY, "make-way", layout, SAYS, addresses),
            verification=(elsewhere(addresses, "a VIP is here still"),),
            undo=Irreversible("who holds a VIP is decided by priorities and down files"),
            needs=(stands.id,),
            phase=phase,
        )
        for owner in owners
    )
    return stands, *make_way
