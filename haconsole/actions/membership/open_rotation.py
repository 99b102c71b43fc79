"""Refuses joins and removals that a CA rotation in progress does not allow.

1. A host may leave. In every phase all hosts accept the certificates of all others, whatever each of them has reached,
   and each control plane has the key of the new CA.
2. On kubeadm clusters the last host that has the new CA in a file of its own stays: only this file shows that
   ConfigMaps and tokens are still to be changed.
3. No host joins. It gets the CAs and keys in use, but not the file of the new CA, without which the last phase stops.
   While the old CA is dropped, the others may reject what a joining host signs with it.
"""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.membership.change import MembershipChange
from haconsole.actions.plan_context import plan_context
from haconsole.actions.rotation.ca.state import CaState, ca_states
from haconsole.actions.rotation.desired import ALL
from haconsole.configs.layout import is_kubeadm


def refusals(change: MembershipChange) -> tuple[str, ...]:
    """The reason against the change, if CAs are being replaced."""
    ctx = replace(plan_context(change.snapshot, change.now, None), replaces_ca=True)
    states = ca_states(ctx, ALL)
    unfinished = tuple(one for one in states if one.is_under_way)
    if not unfinished:
        return ()
    if change.into is not None and change.action != "rejoin":
        return (_not_into(change, unfinished),)
    return _last(change, unfinished)


def _not_into(change: MembershipChange, unfinished: tuple[CaState, ...]) -> str:
    assert change.into is not None
    way_out = f". If {change.out.name} is lost, run remove {change.out.name} first" if change.out else ""
    return (
        f"{_names(unfinished)}: a CA rotation is unfinished, so {change.into.name} would join without the new CA. "
        f"Finish it (rotate-certs with ca = yes), or undo it (ca = yes, back = yes){way_out}"
    )


def _last(change: MembershipChange, unfinished: tuple[CaState, ...]) -> tuple[str, ...]:
    out = change.out
    if out is None or not is_kubeadm(change.inventory):
        return ()
    last = tuple(one for one in unfinished if one.is_dropped and one.next_on == (out.name,))
    if not last:
        return ()
    files = ", ".join(one.next.cert for one in last)
    reason = (
        f"{_names(last)}: a CA rotation is unfinished, and only {files} on {out.name} shows it. Finish the "
        "rotation first (rotate-certs with ca = yes)"
    )
    return (reason,)


def _names(states: tuple[CaState, ...]) -> str:
    return ", ".join(one.name for one in states)
