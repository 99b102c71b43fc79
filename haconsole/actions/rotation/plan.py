"""Plans rotations of certificates."""

from __future__ import annotations

from haconsole.actions.action import Request
from haconsole.actions.bootstrap.ground import ground
from haconsole.actions.rotation.ca.material import materials
from haconsole.actions.rotation.ca.plan import ACTION, plan_ca
from haconsole.actions.rotation.handover import kept
from haconsole.actions.rotation.kubelet import left
from haconsole.actions.rotation.leaves import Over, leaf_groups, over
from haconsole.actions.rotation.refuse import refusals, unfinished
from haconsole.actions.rotation.silent import silent_hosts, without
from haconsole.actions.rotation.wanted import ALL, ETCD, Held, concerned, due, held
from haconsole.actions.step import Plan, Refusal
from haconsole.actions.steps.order import in_order
from haconsole.errors import UsageError
from haconsole.inventory.schema import Inventory
from haconsole.model.snapshot import ClusterSnapshot


def plan_rotation(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """All leaves of a scope, those of one host, or those that are due; the snapshot must hold certificates."""
    found = ground(snapshot, inventory, None)
    if "ca" in request:
        return plan_ca(found, request)
    if set(request) & {"phase", "back"}:
        raise UsageError("phase and back are for the replacement of CAs", mend="set ca too")
    scope, host = request.get("scope", ALL), request.get("host")
    silent = silent_hosts(found)
    reasons = (*refusals(found, host, silent), *unfinished(materials(found, ALL)))
    if reasons:
        return Refusal(ACTION, inventory.cluster, reasons)
    every = tuple(one for each in concerned(found) if host in (None, each.name) for one in held(found, each, scope))
    chosen = tuple(one for one in every if one.host.name not in silent and ("due" not in request or due(found, one)))
    if not chosen:
        why = "nothing is due" if every else f"{host or 'the inventory'} has no certificate of this scope"
        return Refusal(ACTION, inventory.cluster, (why,))
    stopped = over(found, every)
    steps = in_order(without(leaf_groups(found, chosen, stopped), silent))
    kubelets = left(found) if scope != ETCD else ()
    told = (_summary(chosen, stopped, silent), *kubelets, *kept(found))
    return Plan(ACTION, inventory.cluster, steps, "\n".join(told))


def _summary(chosen: tuple[Held, ...], over: Over, silent: frozenset[str]) -> str:
    hosts = tuple(dict.fromkeys(one.host.name for one in chosen))
    told = [f"{len(chosen)} certificate{'s' if len(chosen) != 1 else ''} on {', '.join(hosts)}"]
    stopped = " and ".join(part for part, ended in (("etcd", over.etcd), ("the API servers", over.api)) if ended)
    if stopped:
        told.append(
            f"expired certificates have stopped {stopped}: health is checked only after the change, and processes "
            "restart in parallel"
        )
    told += [
        f"{host} cannot be reached and keeps its certificates; when it is back: run rotate-certs with host = {host}"
        for host in sorted(silent)
    ]
    return "\n".join(told)
