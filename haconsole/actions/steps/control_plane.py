"""The steps for every restart of an API server on a running cluster: drain, restart, use again, verify."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.balancing import Servers
from haconsole.actions.bootstrap.verify import LOCKS
from haconsole.actions.build import look_step, step_id
from haconsole.actions.checks import ApiserverReady, BackendsUp, LeaseHeld
from haconsole.actions.step import Step
from haconsole.actions.steps.haproxy import drain_step, ready_step
from haconsole.actions.steps.order import Group
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName

WAIT_S = 90.0
SEES_WHY = "Before the next API server is restarted, this one serves again on every balancer."
LOCKS_WHY = (
    "Before anything else is changed, every leader lease must have a holder that renews it, so the control plane "
    "keeps working."
)


def while_drained(
    host: Host,
    servers: Servers,
    restart: Group,
    *,
    phase: str,
    what: str = "",
    companions: Group = (),
) -> tuple[Group, ...]:
    """The steps that restart the API server on `host` while no balancer sends to it; `companions` it restart its
    clients.

    `what` distinguishes several of these in one plan. Nothing is drained if the restart is already done, or if no
    balancer of `servers` could be queried for it.
    """
    if not servers.balancers:
        return tuple(filter(None, (restart, companions)))
    end = f"-{what}" if what else ""
    there = tuple(check for step in restart for check in step.verification if not isinstance(check, ApiserverReady))
    drain = drain_step(host.name, servers, phase=phase, unless=there)
    ready = ready_step(host.name, servers, phase=phase)
    checks = tuple(
        look_step(
            f"haproxy.sees-{host.name}{end}",
            name,
            (BackendsUp((host.name,), (servers.addresses,)),),
            title=f"Verify that {host.name} is up in haproxy",
            why=SEES_WHY,
            phase=phase,
            wait_s=WAIT_S,
        )
        for name in servers.balancers
    )
    return (
        (replace(drain, id=step_id(f"haproxy.drain{end}", host.name)),),
        restart,
        (replace(ready, id=step_id(f"haproxy.ready{end}", host.name)),),
        (*checks, *companions),
    )


def locks_step(what: str, host: str, *, phase: str, holders: tuple[HostName, ...] = (), after: str = "") -> Step:
    """Query the API server on `host` for the leases, each held by one of `holders`, or by any host."""
    return look_step(
        f"kubernetes.locks-{what}",
        host,
        tuple(LeaseHeld("kube-system", name, holders) for name in LOCKS),
        title="Verify that the leases are held" + (f" after the change of {after}" if after else ""),
        why=LOCKS_WHY,
        phase=phase,
        wait_s=WAIT_S,
    )
