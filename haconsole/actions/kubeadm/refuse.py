"""Why a bootstrap by kubeadm is refused before any host is changed."""

from __future__ import annotations

from haconsole.actions.kubeadm.cluster import release
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import reason_of


def refusals(ctx: PlanContext) -> tuple[str, ...]:
    """Settings that this bootstrap does not support, and a release that is not known."""
    reasons = []
    if BootstrapPart.KUBERNETES not in ctx.parts:
        reasons.append(
            "kubeadm makes etcd together with its control plane: run bootstrap without only, or with only = kubernetes"
        )
    if not reasons and release(ctx.snapshot, ctx.inventory) is None:
        reasons.append("kubernetes.version must name a release, e.g. 1.31.4: kubeadm's configuration depends on it")
    return (*reasons, *_unreached_workers(ctx))


def _unreached_workers(ctx: PlanContext) -> tuple[str, ...]:
    facts = ((host.name, ctx.snapshot.host(HostName(host.name))) for host in ctx.inventory.with_role(Role.WORKER))
    reasons = ((name, reason_of(one.reach) if one else None) for name, one in facts)
    return tuple(f"{name} cannot be reached: {reason}" for name, reason in reasons if reason)
