"""The path of a request as it is now: clients, VIPs, balancers, API servers and etcd members, and the edges between.

An edge works only if that was observed. One that no host reports now is unknown, also if it was known before.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from haconsole.present.cells import Cell, Tone
from haconsole.present.row_keys import RowKey

EMPTY = Cell("")


class Stage(StrEnum):
    """The stages in the order in which a request passes them; the values are titles."""

    CLIENTS = "clients"
    VIP = "VIP"
    BALANCER = "balancer"
    API = "API server"
    ETCD = "etcd"


class EdgeState(StrEnum):
    WORKS = "works"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    UNUSED = "unused"
    """Nothing is sent there on purpose: a standby balancer, a drained server."""


Judgement = tuple[EdgeState, str]
"""The state of an edge, and why."""


class NodeId(msgspec.Struct, frozen=True):
    stage: Stage
    name: str

    def __str__(self) -> str:
        return f"{self.stage} {self.name}".strip()


class PathNode(msgspec.Struct, frozen=True):
    """One part of the path. `state` begins with a sign; `key` is the row with its details, None if there is none."""

    id: NodeId
    state: Cell
    key: RowKey | None
    note: Cell = EMPTY


class PathEdge(msgspec.Struct, frozen=True):
    """The way from one node to one of the next stage. `seconds` is the time of a request over it, if measured."""

    start: NodeId
    end: NodeId
    state: EdgeState
    note: str = ""
    seconds: float | None = None


class RequestPath(msgspec.Struct, frozen=True):
    """Nodes in the order of their stages, and the edges between them."""

    nodes: tuple[PathNode, ...]
    edges: tuple[PathEdge, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that this cluster has."""
        return tuple(stage for stage in Stage if any(node.id.stage is stage for node in self.nodes))

    def of_stage(self, stage: Stage) -> tuple[PathNode, ...]:
        return tuple(node for node in self.nodes if node.id.stage is stage)

    def in_state(self, *states: EdgeState) -> tuple[PathEdge, ...]:
        return tuple(edge for edge in self.edges if edge.state in states)

    def at(self, node: NodeId) -> tuple[PathEdge, ...]:
        """The edges that begin or end at a node."""
        return tuple(edge for edge in self.edges if node in (edge.start, edge.end))

    @property
    def summary(self) -> Cell:
        """The path in one cell: what is broken, else what is unknown."""
        broken_count, unknown = len(self.in_state(EdgeState.BROKEN)), len(self.in_state(EdgeState.UNKNOWN))
        failing = sum(node.state.tone is Tone.CRITICAL for node in self.nodes)
        if broken_count or failing:
            parts = [f"{broken_count} of {len(self.edges)} hops broken"] if broken_count else []
            parts += [f"{failing} of {len(self.nodes)} components failing"] if failing else []
            parts += [f"{unknown} unknown"] if unknown else []
            return Cell(f"✖ {', '.join(parts)}", Tone.CRITICAL)
        if unknown:
            return Cell(f"? {unknown} of {len(self.edges)} hops unknown", Tone.UNKNOWN)
        return Cell(f"● {len(self.edges)} hops, none broken", Tone.GOOD)
