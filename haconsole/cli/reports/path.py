"""The path of a request, as JSON and as text."""

from __future__ import annotations

from haconsole.cli.reports.findings import Shape, stamp
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import Tone
from haconsole.present.path.drawing import as_text
from haconsole.present.path.request_path import NodeId, PathEdge, PathNode, RequestPath


class PathNodeReport(Shape, frozen=True):
    """A node. `stage` is ``clients``, ``vip``, ``balancer``, ``api-server`` or ``etcd``; `name` is empty for clients.

    `health` is ``good``, ``warning``, ``critical`` or ``unknown``; `state` is the same as text.
    """

    stage: str
    name: str
    health: str
    state: str
    note: str | None


class PathEndReport(Shape, frozen=True):
    """The node at one end of an edge."""

    stage: str
    name: str


class PathEdgeReport(Shape, frozen=True):
    """An edge. `state` is ``works``, ``broken``, ``unknown`` or ``unused``; `seconds` is null if it is not measured."""

    start: PathEndReport
    end: PathEndReport
    state: str
    note: str
    seconds: float | None


class PathReport(Shape, frozen=True):
    """``haconsole/path/v1``: the path of a request, its nodes stage by stage."""

    schema: str
    cluster: str
    observed_at: str
    nodes: tuple[PathNodeReport, ...]
    edges: tuple[PathEdgeReport, ...]


def path_report(snapshot: ClusterSnapshot, path: RequestPath) -> PathReport:
    return PathReport(
        "haconsole/path/v1",
        snapshot.cluster,
        stamp(snapshot.observed_at),
        tuple(map(_node, path.nodes)),
        tuple(map(_edge, path.edges)),
    )


def _node(node: PathNode) -> PathNodeReport:
    end = _end(node.id)
    tone = node.state.tone if node.state.tone in (Tone.WARNING, Tone.CRITICAL, Tone.UNKNOWN) else Tone.GOOD
    return PathNodeReport(end.stage, end.name, tone.value, node.state.text[2:], node.note.text or None)


def _end(node: NodeId) -> PathEndReport:
    return PathEndReport(node.stage.lower().replace(" ", "-"), node.name)


def _edge(edge: PathEdge) -> PathEdgeReport:
    return PathEdgeReport(_end(edge.start), _end(edge.end), edge.state.value, edge.note, edge.seconds)


def path_text(path: RequestPath, width: int) -> str:
    """The drawing, then every edge as text."""
    return "\n".join((f"path of a request: {path.summary.text}", *as_text(path, width)))
