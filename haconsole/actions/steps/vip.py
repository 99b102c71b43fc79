"""Steps that move VIPs between balancers without lost connections, there and back."""

from __future__ import annotations

from collections.abc import Sequence

from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import CommandSucceeds
from haconsole.actions.operations import LeftByUndo, RunCommand
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.vip_scripts import ELSEWHERE, IN_STATE, MAKE_WAY
from haconsole.configs.keepalived import instance_name
from haconsole.configs.layout import Layout
from haconsole.inventory.effective import vip_addresses
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.names import HostName, Vip

WAIT_S = 30.0
SAYS = "haconsole: this host gives up its VIPs to a balancer of higher priority; the action failback removes this file"
STANDS_WHY = (
    "A few seconds after the host claims its VIPs again, its VRRP adverts take them from balancers of lower priority."
)
MAKE_WAY_WHY = (
    "A higher-priority balancer takes the VIPs. Open connections are reset first; otherwise clients "
    "hang until they time out."
)


def chosen_vip(known: Sequence[Vip], address: str | None) -> tuple[Vip | None, tuple[str, ...]]:
    """The VIP of a request, which need not be named if there is only one; else None and the reasons."""
    names = ", ".join(known) or "none"
    if address is None and len(known) != 1:
        return None, (f"specify the VIP; the inventory's are: {names}",)
    match = next((vip for vip in known if address in (None, vip)), None)
    return match, () if match else (f"the inventory has no VIP {address}; its VIPs are: {names}",)


def give_up(body: str, name: str, layout: Layout, says: str, addresses: tuple[str, ...]) -> RunCommand:
    """One of the scripts that release VIPs, on a balancer with a VIP."""
    assert layout.haproxy is not None
    assert layout.keepalived is not None
    words = (str(layout.haproxy.bind_port), layout.keepalived.down_file, says, *addresses)
    return RunCommand(("bash", "-ec", body.strip(), name, *words))


def vip_absent(addresses: tuple[str, ...], problem: str) -> CommandSucceeds:
    """Whether none of the addresses is on the step's host."""
    return script(ELSEWHERE, "elsewhere", *addresses, means="no VIP is on this host", problem=problem)


def state_step(what: str, host: Host, inventory: Inventory, state: str, *, title: str, why: str, phase: str) -> Step:
    """Wait until every VRRP instance on the host has entered the `state`, or one of several separated by bars."""
    names = tuple(instance_name(vip) for vip in inventory.vips)
    states = state.replace("|", " or ")
    entered = script(
        IN_STATE,
        "state",
        state,
        *names,
        means=f"keepalived entered {states}",
        problem=f"keepalived has not entered {states}",
    )
    return look_step(what, host.name, (entered,), title=title, why=why, phase=phase, wait_s=WAIT_S)


def way_back(
    host: Host, owners: tuple[Host, ...], inventory: Inventory, layout: Layout, *, phase: str, what: str = ""
) -> Group:
    """Wait until `host` claims its VIPs again, then owners among `owners` with lower priority release them.

    Nothing if a VIP stays with its owner whatever the priorities: a host releases all of its VIPs, or none.
    """
    if not owners or not all(vip.preempt for vip in inventory.vips):
        return ()
    addresses = vip_addresses(inventory)
    end = f"-{what}" if what else ""
    title = f"Verify that {host.name} claims its VIPs"
    stands = state_step(
        f"keepalived.stands{end}", host, inventory, "BACKUP|MASTER", title=title, why=STANDS_WHY, phase=phase
    )
    make_way = tuple(
        Step(
            id=step_id(f"keepalived.make-way{end}", owner.name),
            title=f"Return the VIPs to {host.name}",
            why=MAKE_WAY_WHY,
            host=HostName(owner.name),
            operation=give_up(MAKE_WAY, "make-way", layout, SAYS, addresses),
            verification=(vip_absent(addresses, "a VIP is still on this host"),),
            undo=LeftByUndo("priorities and down files decide which host holds a VIP"),
            needs=(stands.id,),
            phase=phase,
        )
        for owner in owners
    )
    return stands, *make_way
