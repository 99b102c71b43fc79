"""One node: its conditions, its lease, its kubelet."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.node import NodeCondition, NodeState
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import span, timestamp
from haconsole.present.cells import NOTHING, Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence
from haconsole.present.details.common import listed, observation
from haconsole.present.facts import display_of
from haconsole.present.nodes import host_cell, ready_cell, role_of, scheduling_cell


def about_node(snapshot: ClusterSnapshot, name: str, now: datetime) -> Detail | None:
    """Every observed part of the node; None once the API has no such node."""
    node = next((each for each in display_of(snapshot.nodes).value or () if each.name == name), None)
    if node is None:
        return None
    return Detail(
        f"node {name}",
        (
            Fact("state", ready_cell(node)),
            Fact("scheduling", scheduling_cell(node)),
            Fact("role", Cell(role_of(node))),
            Fact("kubelet", Cell(node.kubelet_version) if node.kubelet_version else NOTHING),
            Fact("address", Cell(node.address) if node.address else NOTHING),
            Fact("host", host_cell(node)),
            Fact("lease renewed", _lease(node, now)),
            Fact("taints", listed(node.taints)),
            *observation(snapshot.nodes, now),
            Heading("Conditions"),
            *(item for each in node.conditions for item in _condition(each, node, now)),
        ),
    )


def _lease(node: NodeState, now: datetime) -> Cell:
    age_s = node.lease_age_s(now)
    if node.renewed_at is None or age_s is None:
        return Cell("never", Tone.WARNING)
    return Cell(f"{timestamp(node.renewed_at, now)} UTC, {span(max(0, int(age_s)))} ago")


def _condition(each: NodeCondition, node: NodeState, now: datetime) -> tuple[Item, ...]:
    since = f" since {timestamp(each.since, now)}" if each.since else ""
    tone = Tone.CRITICAL if each in node.abnormal else Tone.PLAIN
    message = (Sentence(Cell(f"{each.reason}: {each.message}", tone), "·"),) if each.message else ()
    return (Fact(each.type, Cell(f"{each.status}{since}", tone)), *message)
