"""Plans the replacement of CAs: the remaining phases by the hosts' state, one phase, or the undo."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.action import Request
from haconsole.actions.bootstrap.leaves import KUBERNETES_CA
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.rotation.ca.drop import drop
from haconsole.actions.rotation.ca.leaves import leaves
from haconsole.actions.rotation.ca.replacing import CaReplacement, Phase
from haconsole.actions.rotation.ca.rollback import back
from haconsole.actions.rotation.ca.state import CaState, ca_states
from haconsole.actions.rotation.ca.trust import trust
from haconsole.actions.rotation.ca.workloads import Workloads
from haconsole.actions.rotation.desired import ALL
from haconsole.actions.rotation.handover import vips_that_stay
from haconsole.actions.rotation.refuse import refusals_of_ca
from haconsole.actions.step import Plan, Refusal
from haconsole.actions.steps.order import in_order
from haconsole.configs.layout import is_kubeadm
from haconsole.errors import UsageError
from haconsole.model.findings import ActionCall

ACTION = "rotate-certs"
BACK = ActionCall(ACTION, (("ca", "yes"), ("back", "yes")))
STEPS = {Phase.TRUST: trust, Phase.LEAVES: leaves, Phase.DROP: drop}
SAYS = {
    Phase.TRUST: "trust: every host trusts both CAs",
    Phase.LEAVES: "leaves: the new CA signs every leaf certificate",
    Phase.DROP: "drop: the old CA is removed, which cannot be undone",
}


def plan_ca(ctx: PlanContext, request: Request) -> Plan | Refusal:
    """All remaining phases, only `--phase`, or with `--back` the return to the old CAs."""
    if set(request) & {"host", "due"}:
        raise UsageError(
            "CAs are replaced on all hosts together, not on a single host",
            hint="leave out the arguments host and due",
        )
    if {"phase", "back"} <= set(request):
        raise UsageError("back undoes every phase", hint="leave out the argument phase")
    ctx = replace(ctx, replaces_ca=True)
    every = ca_states(ctx, request.get("scope", ALL))
    under_way = tuple(one for one in every if one.is_under_way)
    several = under_way or every
    only = Phase(request["phase"]) if "phase" in request else None
    reasons = refusals_of_ca(ctx, several)
    if not reasons:
        reasons = _not_back(under_way) if "back" in request else _not_phase(several, only)
    if reasons:
        return Refusal(ACTION, ctx.inventory.cluster, reasons)
    end = f"{ctx.snapshot.observed_at:%Y%m%dT%H%M%SZ}"
    now = CaReplacement(ctx, several, end, request.get("workloads", Workloads.SYSTEM))
    if "back" in request:
        names = ", ".join(one.name for one in several)
        return Plan(ACTION, ctx.inventory.cluster, in_order(back(now)), f"undoes the rotation of {names}")
    phases = (only,) if only else tuple(phase for phase in Phase if _at_or_after(phase, stage(several)))
    groups = tuple(group for phase in phases for group in STEPS[phase](now))
    lines = (_summary(now, phases), *vips_that_stay(ctx))
    return Plan(ACTION, ctx.inventory.cluster, in_order(groups), "\n".join(lines), undone_by=BACK)


def stage(several: tuple[CaState, ...]) -> Phase:
    """The next phase by the hosts' state: the earliest of all."""
    return min((_stage(one) for one in several), key=list(Phase).index)


def _stage(one: CaState) -> Phase:
    if one.is_dropped:
        return Phase.DROP
    if one.is_trusted and one.new in one.signed_by:
        return Phase.LEAVES
    return Phase.TRUST


def _at_or_after(phase: Phase, first: Phase) -> bool:
    order = list(Phase)
    return order.index(phase) >= order.index(first)


def _not_phase(several: tuple[CaState, ...], only: Phase | None) -> tuple[str, ...]:
    """The missing requirements of a single phase."""
    if not several:
        return ("the inventory needs no CA in this scope",)
    if only is Phase.LEAVES:
        return tuple(
            (
                f"{one.name}: some hosts do not trust the new CA or key yet; run rotate-certs with ca = yes, phase = "
                "trust"
            )
            for one in several
            if not one.is_trusted and not one.is_dropped
        )
    if only is Phase.DROP:
        return tuple(
            (
                f"{one.name}: the new CA or key has not signed everything yet; run rotate-certs with ca = yes, "
                "phase = leaves"
            )
            for one in several
            if not one.is_dropped and (not one.is_trusted or any(by != one.new for by in one.signed_by))
        )
    if only is Phase.TRUST and any(one.is_dropped for one in several):
        return ("the old CA is already being dropped: run rotate-certs with ca = yes to finish",)
    return ()


def _not_back(under_way: tuple[CaState, ...]) -> tuple[str, ...]:
    if not under_way:
        return ("no CA is being replaced: there is nothing to undo",)
    return tuple(
        f"{one.name}: the old CA or key is already dropped on a host; run rotate-certs with ca = yes to finish"
        for one in under_way
        if one.is_dropped
    )


def _summary(now: CaReplacement, phases: tuple[Phase, ...]) -> str:
    lines = [", ".join(one.name for one in now.several), *(SAYS[phase] for phase in phases)]
    if is_kubeadm(now.ctx.inventory):
        lines += _copies(now, phases)
    elif Phase.DROP in phases and any(one.is_tokens for one in now.several):
        lines.append(
            "the last phase invalidates tokens in Secrets that the old service-account key signed: delete "
            "these Secrets before that phase, so that new ones are issued"
        )
    return "\n".join(lines)


def _copies(now: CaReplacement, phases: tuple[Phase, ...]) -> list[str]:
    """Users of the old credentials that only a person knows."""
    if Phase.DROP not in phases or now.of(KUBERNETES_CA) is None:
        return []
    line = "copies of kubeconfigs (~/.kube/config) fail after the last phase: copy admin.conf again"
    return [line]
