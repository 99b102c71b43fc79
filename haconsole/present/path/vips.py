"""The VIPs of a path, and the hosts that have their addresses."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.model.hosts import HostFacts
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState, VipView
from haconsole.model.vip_view import is_leased, possible_holders
from haconsole.present.cells import Cell, Tone
from haconsole.present.facts import display_of
from haconsole.present.path.request_path import EdgeState, Judgement, NodeId, PathEdge, PathNode, Stage
from haconsole.present.row_keys import VipKey


def vip_node(snapshot: ClusterSnapshot, view: VipView) -> PathNode:
    hosts = (*view.owners, *(facts.host for facts in possible_holders(snapshot, view.address)))
    key = VipKey(view.address, hosts[0]) if hosts else None
    return PathNode(NodeId(Stage.VIP, view.address), _vip_state(view), key)


def edges_from_vip(snapshot: ClusterSnapshot, view: VipView) -> Iterator[PathEdge]:
    """To the hosts that can hold the address: balancers, or API servers themselves with kube-vip."""
    stage = Stage.API if is_leased(snapshot, view.address) else Stage.BALANCER
    for facts in possible_holders(snapshot, view.address):
        yield PathEdge(NodeId(Stage.VIP, view.address), NodeId(stage, facts.host), *_ownership(view, facts))


def _vip_state(view: VipView) -> Cell:
    match view.state:
        case VipState.OWNED:
            return Cell(f"● on {view.owners[0]}", Tone.GOOD)
        case VipState.SPLIT:
            return Cell(f"✖ SPLIT: {', '.join(view.owners)}", Tone.CRITICAL)
        case VipState.UNOWNED:
            return Cell("✖ UNOWNED", Tone.CRITICAL)
        case VipState.UNKNOWN:
            return Cell("? owner unknown", Tone.UNKNOWN)


def _ownership(view: VipView, facts: HostFacts) -> Judgement:
    """The edge from a VIP to a balancer."""
    had = display_of(facts.addresses)
    if facts.host in view.unheard:
        mine = had.value is not None and any(entry.address == view.address for entry in had.value)
        return EdgeState.UNKNOWN, "had the address when last read; cannot be read now" if mine else "cannot be read now"
    if facts.host not in view.owners:
        unowned = view.state is VipState.UNOWNED
        return (EdgeState.BROKEN, "does not have the VIP's address") if unowned else (EdgeState.UNUSED, "standby")
    match view.state:
        case VipState.SPLIT:
            others = len(view.owners) - 1
            also = "and so has another host" if others == 1 else f"and so have {others} other hosts"
            return EdgeState.BROKEN, f"has the address, {also}"
        case VipState.UNKNOWN:
            return EdgeState.UNKNOWN, "has the address, and so has another host; not confirmed yet"
        case _:
            return EdgeState.WORKS, "has the address"
