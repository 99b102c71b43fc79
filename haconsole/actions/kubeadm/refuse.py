"""The reasons to refuse a bootstrap by kubeadm before any host is changed."""

from __future__ import annotations

from haconsole.actions.kubeadm.cluster import release
from haconsole.actions.kubeadm.cluster import settings as kubeadm_settings
from haconsole.actions.kubeadm.etcd_pods import why_no_pods
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.configs.kubeadm import api_version
from haconsole.configs.kubeadm_versions import unknown_keys
from haconsole.model.hosts import Role, reach_problem
from haconsole.model.names import HostName
from haconsole.model.observed import Failed


def refusals(ctx: PlanContext) -> tuple[str, ...]:
    """Settings that this bootstrap does not support, and a release that is not known."""
    reasons = []
    if BootstrapPart.KUBERNETES not in ctx.parts:
        reasons.append(
            "kubeadm makes etcd together with its control plane: run bootstrap without the argument only, or "
            "with only = kubernetes"
        )
    if not reasons and release(ctx.snapshot, ctx.inventory) is None:
        reasons.append("kubernetes.version must name a release, e.g. 1.31.4: kubeadm's configuration depends on it")
    return (*reasons, *_separate_pods(ctx), *_newer_keys(ctx), *_unreached_workers(ctx))


def _separate_pods(ctx: PlanContext) -> tuple[str, ...]:
    """Members as static pods on hosts of their own, which do not run yet."""
    return why_no_pods(ctx) if BootstrapPart.ETCD in ctx.parts else ()


def _newer_keys(ctx: PlanContext) -> tuple[str, ...]:
    version, settings = release(ctx.snapshot, ctx.inventory), kubeadm_settings(ctx.inventory).cluster or {}
    if version is None or not (keys := unknown_keys(settings, api_version(version))):
        return ()
    reason = (
        f"kubernetes.kubeadm.cluster has keys that kubeadm {version} ignores: {', '.join(keys)}; remove them, or use "
        "kubeadm 1.31 or newer"
    )
    return (reason,)


def _unreached_workers(ctx: PlanContext) -> tuple[str, ...]:
    facts = ((host.name, ctx.snapshot.host(HostName(host.name))) for host in ctx.inventory.with_role(Role.WORKER))
    return tuple(
        f"{name} cannot be reached: {reach_problem(one)}"
        for name, one in facts
        if one is not None and isinstance(one.reach, Failed)
    )
