"""An external load balancer of a kubeadm cluster: where it must send connections, and the wait until it does.

The console neither sets it up nor logs in to it. kubeadm contacts the first API server through it, during init already.
"""

from __future__ import annotations

from haconsole.actions.build import look_step, script
from haconsole.actions.checks import VipAnswers
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.inventory.effective import is_address, join_host_port, outside_endpoint
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.names import StepId
from haconsole.scripts import load_script

RESOLVES = load_script("check-name-resolves")
BALANCER_S = 600.0
NAME_WHY = "kubeadm and every kubelet contact the API by this name."
WAIT_WHY = (
    "Nodes join through the balancer, which haconsole does not set up. It must pass connections to this API server "
    "now; this step waits up to ten minutes for that."
)


def balancer_outside(inventory: Inventory) -> tuple[str, int] | None:
    """Host and port of the balancer; None if the endpoint is a host, a VIP of the inventory, or that of kube-vip."""
    return None if inventory.kube_vip else outside_endpoint(inventory)


def routes(ctx: PlanContext) -> tuple[str, ...]:
    """The routes that the balancer must have, and when."""
    balanced = balancer_outside(ctx.inventory)
    kubernetes = ctx.layout.kubernetes
    if balanced is None or kubernetes is None:
        return ()
    first, *others = (join_host_port(host.address, kubernetes.api_port) for host in ctx.control_planes)
    balancer = join_host_port(*balanced)
    lines = [
        (
            f"this run does not set up the balancer {balancer}: before the run starts, let it forward TCP to "
            f"{first}, without TLS termination"
        )
    ]
    if others:
        lines.append(
            f"{balancer} must not send to {', '.join(others)} before they have joined: add each server after its "
            f"join, or let {balancer} check the servers with HTTPS GET /readyz"
        )
    return tuple(lines)


def name_steps(inventory: Inventory, hosts: tuple[Host, ...]) -> tuple[Step, ...]:
    """Each host resolves the balancer's name."""
    balanced = balancer_outside(inventory)
    if balanced is None or is_address(balanced[0]):
        return ()
    name = balanced[0]
    problem = "the host cannot resolve the balancer's name; add a DNS record, or a line in /etc/hosts"
    check = script(RESOLVES, "resolves", name, means=f"{name} has an address", problem=problem)
    title = "Check the name of the load balancer"
    return tuple(
        look_step("preflight.endpoint-name", host.name, (check,), title=title, why=NAME_WHY, phase="preflight")
        for host in hosts
    )


def wait_steps(inventory: Inventory, first: Host, need: StepId) -> tuple[Step, ...]:
    """The wait until the balancer leads to the first API server."""
    balanced = balancer_outside(inventory)
    if balanced is None:
        return ()
    check = VipAnswers(join_host_port(*balanced))
    title = "Wait for the load balancer"
    step = look_step(
        "kubeadm.balanced",
        first.name,
        (check,),
        title=title,
        why=WAIT_WHY,
        phase="kubeadm",
        needs=(need,),
        wait_s=BALANCER_S,
    )
    return (step,)
