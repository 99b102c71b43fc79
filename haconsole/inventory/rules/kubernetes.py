"""Rules about the control plane: its endpoint, its leader locks, its version."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.inventory import effective
from haconsole.inventory.effective import is_address
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault, Level
from haconsole.inventory.schema import Inventory
from haconsole.model.roles import Role

OLDEST = (1, 20)
JITTER = 1.2
"""client-go waits up to this many retry periods between two tries, and wants the renew deadline to be longer."""


def endpoint_is_said(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    if inventory.kubernetes is None or not inventory.with_role(Role.CONTROL_PLANE):
        return
    if effective.endpoint(inventory) is None:
        count = len(inventory.with_role(Role.CONTROL_PLANE))
        what = f"{count} control planes have no common address: there is neither a VIP nor kubernetes.endpoint"
        hint = "add `endpoint: host:port` of your balancer, or `vips:` and hosts with the role load-balancer"
        yield Fault(marks.at("kubernetes"), what, hint)


def endpoint_leads_to_a_balancer(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Certain mistakes are errors; an external balancer in front of a VIP is unusual but possible."""
    kubernetes, settings = inventory.kubernetes, effective.haproxy(inventory)
    if kubernetes is None or kubernetes.endpoint is None:
        return
    here = marks.at("kubernetes", "endpoint")
    host, port = effective.split_host_port(kubernetes.endpoint)
    vips = effective.vip_addresses(inventory)
    balancers = {each.address for each in inventory.with_role(Role.LOAD_BALANCER)}
    ours = host in vips or (host in balancers and not vips)
    if settings and ours and port != settings.bind_port:
        what = f"kubernetes.endpoint has port {port}, but haproxy listens on {settings.bind_port} (haproxy.bind_port)"
        yield Fault(here, what, f"write {effective.join_host_port(host, settings.bind_port)}, or change bind_port")
    elif settings and vips and not ours and (is_address(host) or port != settings.bind_port):
        vip = effective.join_host_port(vips[0], settings.bind_port)
        what = f"kubernetes.endpoint is {kubernetes.endpoint}, which is not the VIP's {vip}"
        yield Fault(here, what, "write the VIP and its port, unless another balancer is in front", Level.WARNING)
    elif not ours and len(inventory.with_role(Role.CONTROL_PLANE)) > 1:
        single = next((each for each in inventory.with_role(Role.CONTROL_PLANE) if each.address == host), None)
        if single is not None:
            what = f"kubernetes.endpoint is host {single.name} itself, whose loss cuts off the other control planes"
            yield Fault(here, what, "set the endpoint to a VIP or a balancer", Level.WARNING)


def leader_timing_holds(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """client-go refuses other orders (tools/leaderelection, NewLeaderElector)."""
    if inventory.kubernetes is None:
        return
    timing = inventory.kubernetes.leader_election
    where = ("kubernetes", "leader_election")
    if timing.renew_deadline_s >= timing.lease_duration_s:
        what = (
            f"renew_deadline_s is {timing.renew_deadline_s}, and must be less than lease_duration_s "
            f"({timing.lease_duration_s})"
        )
        hint = "lower renew_deadline_s: a leader must give up before its lease ends"
        yield Fault(marks.at(*where, "renew_deadline_s"), what, hint)
    if timing.renew_deadline_s <= JITTER * timing.retry_period_s:
        retries = f"{JITTER} x retry_period_s ({timing.retry_period_s})"
        what = f"renew_deadline_s is {timing.renew_deadline_s}, and must be more than {retries}"
        yield Fault(
            marks.at(*where, "retry_period_s"), what, "lower retry_period_s, so that a failed renewal can be retried"
        )


def version_is_supported(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    version = inventory.kubernetes.version if inventory.kubernetes else None
    if version is None:
        return
    major, minor = (int(part) for part in version.lstrip("v").split(".")[:2])
    if (major, minor) < OLDEST:
        what = f"kubernetes.version is {version}, older than 1.20, the oldest that is supported"
        hint = "upgrade Kubernetes: actions are untested on this version"
        yield Fault(marks.at("kubernetes", "version"), what, hint, Level.WARNING)
