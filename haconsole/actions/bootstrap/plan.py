"""Plans the bootstrap of a cluster of systemd units, or by kubeadm; hosts that are not ready are prepared first."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap.certificates import certificates
from haconsole.actions.bootstrap.etcd import account_steps, etcd_steps
from haconsole.actions.bootstrap.haproxy import haproxy_steps
from haconsole.actions.bootstrap.keepalived import keepalived_steps
from haconsole.actions.bootstrap.kubernetes import kubernetes_steps
from haconsole.actions.bootstrap.preflight import preflight
from haconsole.actions.bootstrap.refuse import by_kubeadm, refusals
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.kubeadm.balancer_outside import routes
from haconsole.actions.kubeadm.external_etcd import keeps_etcd
from haconsole.actions.kubeadm.init import kubeadm_steps
from haconsole.actions.plan_context import BootstrapPart, PlanContext, plan_context
from haconsole.actions.preparation.plan import after_preparation, preparation
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.snapshot import ClusterSnapshot

ACTION = "bootstrap"


def plan_bootstrap(
    snapshot: ClusterSnapshot, inventory: Inventory, only: BootstrapPart | None = None
) -> Plan | Refusal:
    """From hosts with SSH and sudo to a verified control plane, or to one part of it.

    Every change waits for every host's preflight. Completed steps are detected by their verification, so a plan for a
    finished cluster has the same steps, and running it changes nothing.
    """
    ctx = plan_context(snapshot, inventory, only)
    is_kept = by_kubeadm(ctx) and keeps_etcd(ctx)
    if is_kept:
        ctx = replace(ctx, parts=ctx.parts - {BootstrapPart.ETCD})
    prepared, unprepared = _prepared(ctx, only)
    reasons = (*refusals(ctx), *unprepared)
    if reasons:
        return Refusal(ACTION, inventory.cluster, reasons)
    steps = after_preparation(prepared, kubeadm_steps(ctx) if by_kubeadm(ctx) else _steps(ctx))
    return Plan(ACTION, inventory.cluster, steps, _summary(ctx, keeps=is_kept))


ROLES = {
    BootstrapPart.ETCD: (Role.ETCD,),
    BootstrapPart.HAPROXY: (Role.LOAD_BALANCER,),
    BootstrapPart.KEEPALIVED: (Role.LOAD_BALANCER,),
    BootstrapPart.KUBERNETES: (Role.CONTROL_PLANE,),
}
"""The roles whose software a part needs."""


def _hosts(ctx: PlanContext) -> tuple[Host, ...]:
    """The hosts of the requested parts, and with kubeadm the workers, which join too."""
    workers = ctx.inventory.with_role(Role.WORKER) if by_kubeadm(ctx) else ()
    return tuple(dict.fromkeys((*ctx.hosts, *workers)))


def _prepared(ctx: PlanContext, only: BootstrapPart | None) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Preparation of hosts that are not ready, and why a host cannot be prepared; for one part only what it needs."""
    if only is None:
        return preparation(ctx.snapshot, ctx.inventory, _hosts(ctx))
    hosts = (replace(host, roles=tuple(role for role in host.roles if role in ROLES[only])) for host in _hosts(ctx))
    inventory = ctx.inventory if only is BootstrapPart.KEEPALIVED else replace(ctx.inventory, vips=())
    return preparation(ctx.snapshot, inventory, hosts)


def _steps(ctx: PlanContext) -> tuple[Step, ...]:
    first = preflight(ctx)
    after = tuple(step.id for step in first)
    accounts = account_steps(ctx, after) if BootstrapPart.ETCD in ctx.parts else ()
    parts = (
        (BootstrapPart.ETCD, etcd_steps),
        (BootstrapPart.HAPROXY, haproxy_steps),
        (BootstrapPart.KEEPALIVED, keepalived_steps),
        (BootstrapPart.KUBERNETES, kubernetes_steps),
    )
    middle = (step for part, steps in parts if part in ctx.parts for step in steps(ctx, after))
    return (*first, *accounts, *certificates(ctx, after), *middle, *verify_steps(ctx))


def _summary(ctx: PlanContext, *, keeps: bool) -> str:
    parts = "; ".join(
        f"{part} on {', '.join(host.name for host in ctx.hosts_of(part))}"
        for part in BootstrapPart
        if part in ctx.parts
    )
    lines = [parts]
    if keeps:
        members = ", ".join(host.name for host in ctx.etcd)
        lines.append(
            f"etcd on {members} runs already and is kept as it is: only the API servers' client certificate "
            "and key are new"
        )
    if by_kubeadm(ctx):
        lines += routes(ctx)
    return "\n".join(lines)
