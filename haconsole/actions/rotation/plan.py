"""Plans the action rotate-certs for leaf certificates; the plan for CAs is in ca/plan.py."""

from __future__ import annotations

from haconsole.actions.action import Request
from haconsole.actions.plan_context import plan_context
from haconsole.actions.rotation.ca.plan import ACTION, plan_ca
from haconsole.actions.rotation.ca.state import ca_states
from haconsole.actions.rotation.desired import ALL, ETCD, HostLeaf, hosts_with_leaves, is_due, leaves_of_host
from haconsole.actions.rotation.handover import vips_that_stay
from haconsole.actions.rotation.kubelet import left_to_kubelet
from haconsole.actions.rotation.leaves import StoppedComponents, leaf_groups, stopped_components
from haconsole.actions.rotation.refuse import refusals, unfinished
from haconsole.actions.rotation.unreachable import unreachable_hosts, without_unreachable
from haconsole.actions.step import Plan, Refusal
from haconsole.actions.steps.order import in_order
from haconsole.errors import UsageError
from haconsole.inventory.schema import Inventory
from haconsole.model.snapshot import ClusterSnapshot


def plan_rotation(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """All leaves of a scope, those of one host, or those that are due; the snapshot must hold certificates."""
    ctx = plan_context(snapshot, inventory, None)
    if "ca" in request:
        return plan_ca(ctx, request)
    if set(request) & {"phase", "back", "workloads"}:
        raise UsageError(
            "the arguments phase, back and workloads apply only to the replacement of CAs", hint="set ca too"
        )
    scope, host = request.get("scope", ALL), request.get("host")
    silent = unreachable_hosts(ctx)
    reasons = (*refusals(ctx, host, silent), *unfinished(ca_states(ctx, ALL)))
    if reasons:
        return Refusal(ACTION, inventory.cluster, reasons)
    every = tuple(
        one for each in hosts_with_leaves(ctx) if host in (None, each.name) for one in leaves_of_host(ctx, each, scope)
    )
    leaves = tuple(one for one in every if one.host.name not in silent and ("due" not in request or is_due(ctx, one)))
    if not leaves:
        why = "nothing is due" if every else f"{host or 'the inventory'} has no certificate in the scope {scope}"
        return Refusal(ACTION, inventory.cluster, (why,))
    stopped = stopped_components(ctx, every)
    steps = in_order(without_unreachable(leaf_groups(ctx, leaves, stopped), silent))
    kubelets = left_to_kubelet(ctx) if scope != ETCD else ()
    lines = (_summary(leaves, stopped, silent), *kubelets, *vips_that_stay(ctx))
    return Plan(ACTION, inventory.cluster, steps, "\n".join(lines))


def _summary(leaves: tuple[HostLeaf, ...], stopped_components: StoppedComponents, silent: frozenset[str]) -> str:
    hosts = tuple(dict.fromkeys(one.host.name for one in leaves))
    lines = [f"{len(leaves)} certificate{'s' if len(leaves) != 1 else ''} on {', '.join(hosts)}"]
    stopped = " and ".join(
        part
        for part, ended in (("etcd", stopped_components.etcd), ("the API servers", stopped_components.api))
        if ended
    )
    if stopped:
        lines.append(
            f"expired certificates have stopped {stopped}: health is checked only after the change, and processes "
            "restart in parallel"
        )
    lines += [
        f"{host} cannot be reached and keeps its certificates; when it is back: run rotate-certs with host = {host}"
        for host in sorted(silent)
    ]
    return "\n".join(lines)
