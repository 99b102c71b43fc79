"""The first phase of a CA rotation: the new CA is generated, installed on every host, and trusted beside the old CA."""

from __future__ import annotations

from haconsole.actions.build import script, step_id
from haconsole.actions.checks import AuthorityInPlace
from haconsole.actions.operations import (
    EnsureAuthority,
    EnsureKeyPair,
    LeftByUndo,
    TrustAuthority,
    UndoByRestoringFiles,
)
from haconsole.actions.rotation.ca import scripts
from haconsole.actions.rotation.ca.kubeadm import cluster_info, embedded, has_kubectl, signs_with_one
from haconsole.actions.rotation.ca.replacing import CaReplacement, Phase, or_after_last_phase, run_step, short
from haconsole.actions.rotation.ca.state import CaState
from haconsole.actions.rotation.ca.turn import nodes_seen, turn
from haconsole.actions.rotation.ca.workloads import workloads_available
from haconsole.actions.rotation.rolling_restart import (
    names,
    restart_order,
)
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName

MAKE_WHY = "The new CA or key is generated before it is needed, and signs nothing until every host trusts it."
JOIN_WHY = (
    "While both the old and the new CA are trusted, certificates signed by either are accepted. Leaf certificates can "
    "then be replaced one after the other."
)
UNUSED = LeftByUndo("the new CA or key signs nothing in use; to rename it: run rotate-certs with ca = yes, back = yes")


def trust(now: CaReplacement) -> tuple[Group, ...]:
    """Generated, installed on every host, loaded by every process."""
    phase = Phase.TRUST
    groups: list[Group] = [
        tuple(_make(now, one) for one in now.several),
        *(signs_with_one(now, host) for host in now.ctx.control_planes),
        tuple(_give(one, host) for one in now.several for host in one.users if host not in one.holders),
        tuple(_join(now, one, host) for one in now.several for host in one.users),
    ]
    for host in restart_order(now.ctx):
        groups.append(embedded(now, host, phase))
        groups += turn(now, host, phase, {}, ())
    return (has_kubectl(now), workloads_available(now), *groups, cluster_info(now, phase), nodes_seen(now, phase))


def _make(now: CaReplacement, one: CaState) -> Step:
    # a host that has dropped the old one proves that this was done
    holders = names(tuple(host for host in restart_order(now.ctx) if host in one.holders))
    operation: EnsureAuthority | EnsureKeyPair
    if one.is_tokens:
        operation = EnsureKeyPair(one.next.cert, one.next.key, holders)
    else:
        operation = EnsureAuthority(
            f"{one.name}-next", f"{one.common_name}-{now.end}", one.next.cert, one.next.key, holders
        )
    kind = "key pair" if one.is_tokens else "CA"
    return Step(
        id=step_id(f"pki.{one.name}-next", holders[0]),
        title=f"Install a new {one.name.removesuffix('-ca')} {kind} beside the current one",
        why=MAKE_WHY,
        host=holders[0],
        operation=operation,
        verification=or_after_last_phase(one, AuthorityInPlace()),
        undo=UNUSED,
        phase=Phase.TRUST,
    )


def _give(one: CaState, host: Host) -> Step:
    return Step(
        id=step_id(f"pki.{one.name}-next-trust", host.name),
        title=f"Install the new {one.name.removesuffix('-ca')} CA's certificate",
        why=MAKE_WHY,
        host=HostName(host.name),
        operation=TrustAuthority(f"{one.name}-next", one.next.cert),
        verification=or_after_last_phase(one, AuthorityInPlace()),
        undo=UndoByRestoringFiles((one.next.cert,)),
        phase=Phase.TRUST,
    )


def _join(now: CaReplacement, one: CaState, host: Host) -> Step:
    holds = script(
        scripts.HOLDS,
        "holds",
        one.files.cert,
        one.next.cert,
        means=f"{one.files.cert} contains two entries: the old one and the new one",
        problem=f"{one.files.cert} does not contain both the old and the new CA or key",
    )
    return run_step(
        f"pki.{one.name}-both",
        host,
        f"Trust both {short(one)}",
        JOIN_WHY,
        Phase.TRUST,
        scripts.JOIN,
        (one.files.cert, one.next.cert, now.end),
        or_after_last_phase(one, holds),
        UndoByRestoringFiles((one.files.cert,)),
    )
