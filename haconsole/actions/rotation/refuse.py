"""The reasons to refuse a rotation of certificates."""

from __future__ import annotations

from haconsole.actions.bootstrap.leaves import KUBERNETES_CA
from haconsole.actions.bootstrap.refuse import clocks, unreachable
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.rotation.ca.state import CaState
from haconsole.actions.rotation.kubelet import against_a_new_ca
from haconsole.actions.rotation.unreachable import unreachable_hosts
from haconsole.configs.layout import is_kubeadm
from haconsole.inventory.schema import EtcdPlacement
from haconsole.model.hosts import reach_problem
from haconsole.model.names import HostName
from haconsole.model.observed import Known, reason_of


def refusals(ctx: PlanContext, host: str | None, silent: frozenset[str]) -> tuple[str, ...]:
    """All reasons against new leaves; `silent` hosts are left out unless no other host would be left."""
    if host is not None and ctx.inventory.find(host) is None:
        return (f"the inventory has no host {host}",)
    unreached = unreachable(ctx) if host in silent or len(silent) == len(ctx.hosts) else ()
    return (*_why_unsupported(ctx), *unreached, *clocks(ctx), *_unreadable_certificates(ctx))


def refusals_of_ca(ctx: PlanContext, several: tuple[CaState, ...]) -> tuple[str, ...]:
    """All reasons against new CAs: every host is needed for them."""
    silent = unreachable_hosts(ctx)
    meanwhile = (
        ""
        if any(one.is_under_way for one in several)
        else ("; leaves of the other hosts can be replaced without this host: run rotate-certs")
    )
    unreached = tuple(
        (
            f"{host.name} cannot be reached: {reach_problem(ctx.snapshot.host(HostName(host.name)))}. It would reject "
            "all new certificates, and other hosts would reject its old ones; fix it, or remove it first "
            f"(run remove {host.name}){meanwhile}"
        )
        for host in ctx.hosts
        if host.name in silent
    )
    strange = () if silent else tuple(oddity for one in several for oddity in one.strange)
    cut_off = against_a_new_ca(ctx) if any(one.name == KUBERNETES_CA for one in several) else ()
    return (*_why_unsupported(ctx), *unreached, *clocks(ctx), *_unreadable_certificates(ctx), *strange, *cut_off)


def unfinished(several: tuple[CaState, ...]) -> tuple[str, ...]:
    """During a CA rotation, only that rotation replaces leaves."""
    names = ", ".join(one.name for one in several if one.is_under_way)
    if not names:
        return ()
    return (f"{names}: a CA rotation is unfinished; resume it with ca = yes, or undo it with ca = yes, back = yes",)


def _why_unsupported(ctx: PlanContext) -> tuple[str, ...]:
    inventory = ctx.inventory
    if inventory.etcd.placement is EtcdPlacement.STATIC_POD and not is_kubeadm(inventory):
        return (
            (
                "etcd.placement is static-pod, but kubernetes.deployment is not kubeadm: only on kubeadm clusters "
                "can haconsole rotate the certificates of an etcd in static pods"
            ),
        )
    return ()


def _unreadable_certificates(ctx: PlanContext) -> tuple[str, ...]:
    """Hosts that answer and whose certificates are not known: a plan must name the certificates to replace."""
    reasons = []
    for host in ctx.etcd + tuple(one for one in ctx.control_planes if one not in ctx.etcd):
        facts = ctx.snapshot.host(HostName(host.name))
        if facts is None or isinstance(facts.certificates, Known) or not isinstance(facts.reach, Known):
            continue
        why = reason_of(facts.certificates) or "not queried"
        reasons.append(f"{host.name}: its certificates could not be read: {why}; if it has none, run bootstrap")
    return tuple(reasons)
