"""Leaves hosts that do not answer out of a rotation: no step there, and no check that depends on them."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.checks import AnyOf, BackendsUp, Check, LeaderAmong, ServerIs, VipOwned
from haconsole.actions.operations import MoveLeader, Operation, SetServerState, UndoByCommand
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.model.names import HostName
from haconsole.model.observed import Failed


def unreachable_hosts(ctx: PlanContext) -> frozenset[str]:
    """Those that did not answer."""
    facts_of_hosts = (ctx.snapshot.host(HostName(host.name)) for host in ctx.hosts)
    return frozenset(
        str(facts.host) for facts in facts_of_hosts if facts is not None and isinstance(facts.reach, Failed)
    )


def without_unreachable(groups: tuple[Group, ...], silent: frozenset[str]) -> tuple[Group, ...]:
    """The groups with no step on an unreachable host, and with checks that name none."""
    if not silent:
        return groups
    return tuple(tuple(_step(step, silent) for step in group if step.host not in silent) for group in groups)


def _step(step: Step, silent: frozenset[str]) -> Step:
    undo = step.undo
    if isinstance(undo, UndoByCommand):
        checks = tuple(_check(check, silent) for check in undo.verification)
        undo = replace(undo, operation=_operation(undo.operation, silent), verification=checks)
    return replace(
        step,
        undo=undo,
        operation=_operation(step.operation, silent),
        precondition=tuple(_check(check, silent) for check in step.precondition),
        verification=tuple(_check(check, silent) for check in step.verification),
    )


def _operation(operation: Operation, silent: frozenset[str]) -> Operation:
    match operation:
        case SetServerState(balancers=balancers):
            return replace(operation, balancers=_reachable(balancers, silent))
        case MoveLeader(to=to):
            return replace(operation, to=_reachable(to, silent))
        case _:
            return operation


def _check(check: Check, silent: frozenset[str]) -> Check:
    match check:
        case AnyOf(alternatives=alternatives):
            return AnyOf(tuple(tuple(_check(one, silent) for one in checks) for checks in alternatives))
        case BackendsUp(servers=servers):
            return BackendsUp(tuple(name for name in servers if name not in silent))
        case ServerIs(balancers=balancers):
            return replace(check, balancers=_reachable(balancers, silent))
        case LeaderAmong(hosts=hosts):
            return LeaderAmong(_reachable(hosts, silent))
        case VipOwned(hosts=hosts) if hosts:
            return replace(check, hosts=_reachable(hosts, silent))
        case _:
            return check


def _reachable(hosts: tuple[HostName, ...], silent: frozenset[str]) -> tuple[HostName, ...]:
    return tuple(host for host in hosts if host not in silent)
