"""The nodes pane: every node that the API has, and whether pods can run on it."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.node import NodeState
from haconsole.model.observed import Failed, NotAsked
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import span
from haconsole.present.cells import NOTHING, Cell, Tone
from haconsole.present.facts import display_of, oldest, since_cell
from haconsole.present.row_keys import NodeKey
from haconsole.present.table import Column, Row, TableView

LATE_S = 20
"""kubelet renews its lease every 10 s; from this age on that is worth a look."""
COLUMNS = (
    Column("NODE", least=6),
    Column("READY", least=9),
    Column("SCHEDULING", rank=1),
    Column("CONDITIONS", rank=1),
    Column("KUBELET", rank=2),
    Column("LEASE", rank=2, right=True),
    Column("ROLE", rank=3),
    Column("ADDRESS", rank=4),
    Column("HOST", rank=4),
)


def nodes_table(snapshot: ClusterSnapshot, now: datetime) -> TableView:
    """One row a node, control planes first; `now` decides how old their leases are."""
    state = display_of(snapshot.nodes)
    nodes = state.value or ()
    return TableView(
        title="nodes",
        columns=COLUMNS,
        rows=tuple(_row(node, now, state.since) for node in nodes),
        at=oldest((snapshot.nodes,)),
        summaries=_summaries(snapshot, nodes),
        empty=_empty(snapshot),
    )


def ready_cell(node: NodeState) -> Cell:
    match node.ready:
        case True:
            return Cell("● ready", Tone.GOOD)
        case False:
            return Cell("✖ not ready", Tone.CRITICAL)
        case None:
            return Cell("✖ silent", Tone.CRITICAL)


def scheduling_cell(node: NodeState) -> Cell:
    return Cell("▲ cordoned", Tone.WARNING) if node.unschedulable else Cell("open", Tone.MUTED)


def conditions_cell(node: NodeState) -> Cell:
    """Conditions that are not as on a healthy node, without Ready, which has a column of its own."""
    names = tuple(each.type for each in node.abnormal if each.type != "Ready")
    return Cell(f"▲ {', '.join(names)}", Tone.WARNING) if names else NOTHING


def lease_cell(node: NodeState, now: datetime) -> Cell:
    """The age of the node's lease; a renewal in time is not counted."""
    age_s = node.lease_age_s(now)
    if age_s is None:
        return Cell("none", Tone.WARNING)
    late = age_s >= LATE_S
    return Cell(f"{span(int(age_s))} ago", Tone.WARNING) if late else Cell("in time", Tone.MUTED)


def host_cell(node: NodeState) -> Cell:
    return Cell(node.host) if node.host else Cell("? not in the inventory", Tone.WARNING)


def role_of(node: NodeState) -> str:
    return "control plane" if node.control_plane else "worker"


def _row(node: NodeState, now: datetime, since: datetime | None) -> Row:
    ready = Cell(f"? {since_cell(since).text}", Tone.UNKNOWN) if since else ready_cell(node)
    cells = (
        Cell(node.name),
        ready,
        scheduling_cell(node),
        conditions_cell(node),
        Cell(node.kubelet_version),
        lease_cell(node, now),
        Cell(role_of(node), Tone.MUTED),
        Cell(node.address, Tone.MUTED),
        host_cell(node),
    )
    return Row(NodeKey(node.name), cells, stale=since is not None)


def _summaries(snapshot: ClusterSnapshot, nodes: tuple[NodeState, ...]) -> tuple[Cell, ...]:
    if isinstance(snapshot.nodes, Failed):
        return (Cell(f"? {snapshot.nodes.reason}", Tone.UNKNOWN), Cell("? unreadable", Tone.UNKNOWN))
    if isinstance(snapshot.nodes, NotAsked):
        return (Cell("? not observed yet", Tone.UNKNOWN), Cell("?", Tone.UNKNOWN))
    if not nodes:
        return (Cell("none", Tone.MUTED),)
    ready = sum(node.ready is True for node in nodes)
    if ready < len(nodes):
        return (Cell(f"✖ {ready}/{len(nodes)} ready", Tone.CRITICAL),)
    return (Cell(f"● {ready}/{len(nodes)} ready", Tone.GOOD),)


def _empty(snapshot: ClusterSnapshot) -> Cell:
    if isinstance(snapshot.nodes, Failed):
        return Cell(f"? not known: {snapshot.nodes.reason}", Tone.UNKNOWN)
    if isinstance(snapshot.nodes, NotAsked):
        return Cell("? not observed yet", Tone.UNKNOWN)
    return Cell("the API has no nodes", Tone.MUTED)
