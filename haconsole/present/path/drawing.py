"""The path of a request as lines: a column for each stage, lines between them, and the edges as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from haconsole.model import measures as m
from haconsole.present.cells import Cell, Line, Tone, padded, sized, text_of, width_of, wrapped
from haconsole.present.path.request_path import EdgeState, NodeId, PathEdge, PathNode, RequestPath, Stage
from haconsole.present.sparkline import figure_text

LEAST_GAP = 3
MOST_GAP = 12
MARGIN = 1
MANY_LINES = 10_000
NODE_LINES = 3
"""Lines of a node: its name, its state, its note; with little room without the note."""
SHORT_NODE_LINES = 2
SIGNS = {EdgeState.WORKS: "▸", EdgeState.BROKEN: "✖", EdgeState.UNKNOWN: "?", EdgeState.UNUSED: "·"}
SOME_BROKEN = "▲"
MOST_NAMES = 4
TONES = {
    EdgeState.WORKS: Tone.GOOD,
    EdgeState.BROKEN: Tone.CRITICAL,
    EdgeState.UNKNOWN: Tone.UNKNOWN,
    EdgeState.UNUSED: Tone.MUTED,
}
BRANCHES = {
    (True, True, True, True): "┼",
    (True, True, True, False): "┤",
    (True, True, False, True): "├",
    (True, True, False, False): "│",
    (True, False, True, True): "┴",
    (True, False, True, False): "┘",
    (True, False, False, True): "└",
    (False, True, True, True): "┬",
    (False, True, True, False): "┐",
    (False, True, False, True): "┌",
    (False, False, True, True): "─",
    (False, False, True, False): "─",
    (False, False, False, True): "─",
}
"""The sign of a branch by its lines up, down, to the left and to the right."""


class Sketch(msgspec.Struct, frozen=True):
    """The places of a drawing: the width of each stage's column and of the gaps, and the lines of a node."""

    widths: tuple[int, ...]
    gap: int
    node_lines: int

    @classmethod
    def of(cls, path: RequestPath, width: int, height: int) -> Sketch:
        """As large as the content needs and the room allows."""
        stages = path.stages
        tallest = max((len(path.of_stage(stage)) for stage in stages), default=0)
        node_lines = NODE_LINES if tallest * NODE_LINES <= height else SHORT_NODE_LINES
        widths = [
            max(width_of(_title(path, stage)), *(_width_of(node) for node in path.of_stage(stage))) for stage in stages
        ]
        room = width - MARGIN - LEAST_GAP * max(len(stages) - 1, 0)
        while sum(widths) > room and max(widths) > 1:
            widths[widths.index(max(widths))] -= 1
        spare = room - sum(widths)
        gap = LEAST_GAP + min(spare // max(len(stages) - 1, 1), MOST_GAP - LEAST_GAP)
        return cls(tuple(widths), gap, node_lines)


def _width_of(node: PathNode) -> int:
    return max(width_of(text) for text in (f"[{_name(node)}]", f" {node.state.text}", f" {node.note.text}"))


def _name(node: PathNode) -> str:
    return node.id.name or "all"


def first_lines(path: RequestPath, sketch: Sketch) -> dict[NodeId, int]:
    """The line of each node's name; stages with fewer nodes are in the middle."""
    tallest = max((len(path.of_stage(stage)) for stage in path.stages), default=0)
    lines: dict[NodeId, int] = {}
    for stage in path.stages:
        nodes = path.of_stage(stage)
        first = (tallest - len(nodes)) * sketch.node_lines // 2
        lines |= {node.id: first + place * sketch.node_lines for place, node in enumerate(nodes)}
    return lines


def drawing(path: RequestPath, sketch: Sketch, selected: NodeId | None = None) -> tuple[Line, ...]:
    """The titles of the stages, then nodes and lines between them."""
    places = first_lines(path, sketch)
    height = max(places.values(), default=-1) + sketch.node_lines
    rows: list[list[Cell]] = [[Cell(" " * MARGIN)] for _ in range(height)]
    titles: list[Cell] = [Cell(" " * MARGIN)]
    for number, stage in enumerate(path.stages):
        titles.append(padded(Cell(_title(path, stage), Tone.MUTED), sketch.widths[number]))
        for row, cells in zip(rows, _column(path, stage, sketch, places, number, height, selected), strict=True):
            row.extend(cells)
        if number + 1 < len(path.stages):
            titles.append(Cell(" " * sketch.gap))
            for row, cells in zip(rows, _gap(path, number, sketch, places, height), strict=True):
                row.extend(cells)
    return (tuple(titles), *map(tuple, rows))


def _title(path: RequestPath, stage: Stage) -> str:
    count = len(path.of_stage(stage))
    return f" {stage}{'s' if count > 1 and stage not in (Stage.CLIENTS, Stage.ETCD) else ''}"


def _column(
    path: RequestPath,
    stage: Stage,
    sketch: Sketch,
    places: dict[NodeId, int],
    number: int,
    height: int,
    selected: NodeId | None,
) -> tuple[Line, ...]:
    width = sketch.widths[number]
    lines: list[Line] = [(Cell(" " * width),)] * height
    starts = {edge.start for edge in path.edges if edge.state is not EdgeState.UNUSED}
    for node in path.of_stage(stage):
        is_last = number + 1 == len(path.stages)
        name = _name_line(node, width, is_selected=node.id == selected, is_start=node.id in starts and not is_last)
        parts = (Cell(f" {node.state.text}", node.state.tone), Cell(f" {node.note.text}", node.note.tone))
        lines[places[node.id]] = name
        for line, part in enumerate(parts[: sketch.node_lines - 1], 1):
            lines[places[node.id] + line] = (padded(part, width),)
    return tuple(lines)


def _name_line(node: PathNode, width: int, *, is_selected: bool, is_start: bool) -> Line:
    """The name, in brackets under the cursor, and the line that begins beside it."""
    text = f"[{_name(node)}]" if is_selected else f" {_name(node)} "
    if width_of(text) > width:
        text = sized(text.rstrip(), width, both_ends=True)
    blanks = Cell(("─" if is_start else " ") * (width - width_of(text)), Tone.MUTED)
    return (Cell(text, Tone.ACCENT if is_selected else Tone.PLAIN), blanks)


def _gap(path: RequestPath, number: int, sketch: Sketch, places: dict[NodeId, int], height: int) -> Iterator[Line]:
    """The lines between a stage and the next one, through one branch in the middle."""
    stages = (path.stages[number], path.stages[number + 1])
    edges = tuple(edge for edge in path.edges if (edge.start.stage, edge.end.stage) == stages)
    starts = {places[node]: states for node, states in _by_node(edges, start=True) if _is_drawn(states)}
    ends = {places[node]: states for node, states in _by_node(edges, start=False)}
    drawn_to = {line for line, states in ends.items() if _is_drawn(states)}
    first, last = min((*starts, *drawn_to), default=0), max((*starts, *drawn_to), default=-1)
    for line in range(height):
        yield _gap_line(line, sketch.gap, starts.get(line), ends.get(line), line in drawn_to, first, last)


def _gap_line(
    line: int,
    gap: int,
    start: tuple[EdgeState, ...] | None,
    end: tuple[EdgeState, ...] | None,
    is_lined: bool,
    first: int,
    last: int,
) -> Line:
    half = gap // 2
    branch = BRANCHES.get((first < line <= last, first <= line < last, start is not None, is_lined), " ")
    before = Cell(" " * half) if start is None else _bar(start, half)
    right = gap - half - 1
    if end is None:
        after: Line = (Cell(" " * right),)
    else:
        sign, tone = _sign(end)
        after = (Cell(("─" if is_lined else " ") * (right - 1), Tone.MUTED), Cell(sign, tone))
    return (before, Cell(branch, Tone.MUTED), *after)


def _bar(states: tuple[EdgeState, ...], width: int) -> Cell:
    """The line from a node, with a sign if no edge of it works."""
    sign, tone = _sign(states)
    text = "─" * width if sign in (SIGNS[EdgeState.WORKS], SOME_BROKEN) else sign + "─" * (width - 1)
    return Cell(text, tone if text[0] != "─" else Tone.MUTED)


def _by_node(edges: Iterable[PathEdge], *, start: bool) -> Iterator[tuple[NodeId, tuple[EdgeState, ...]]]:
    states: dict[NodeId, list[EdgeState]] = {}
    for edge in edges:
        states.setdefault(edge.start if start else edge.end, []).append(edge.state)
    yield from ((node, tuple(each)) for node, each in states.items())


def _is_drawn(states: tuple[EdgeState, ...]) -> bool:
    return any(state is not EdgeState.UNUSED for state in states)


def _sign(states: tuple[EdgeState, ...]) -> tuple[str, Tone]:
    """The sign of several edges at one end: broken if none of them works, a warning if only some do."""
    used = tuple(state for state in states if state is not EdgeState.UNUSED) or states[:1]
    is_broken, is_working = EdgeState.BROKEN in used, EdgeState.WORKS in used
    if is_broken and (is_working or EdgeState.UNKNOWN in used):
        return SOME_BROKEN, Tone.WARNING
    state = EdgeState.WORKS if is_working else used[0]
    return SIGNS[state], TONES[state]


class EdgeGroup(msgspec.Struct, frozen=True):
    """Edges with the same state for the same reason, between the same nodes at one end."""

    starts: tuple[NodeId, ...]
    ends: tuple[NodeId, ...]
    state: EdgeState
    note: str

    def lines(self, width: int) -> tuple[Line, ...]:
        """The group as text, wrapped in so many cells."""
        text = f"{_names(self.starts)} → {_names(self.ends)}: {self.note or self.state}"
        tone = Tone.PLAIN if self.state is EdgeState.WORKS else TONES[self.state]
        first, *others = wrapped(text, max(width - 4, 8))
        head: Line = (Cell(f" {SIGNS[self.state]} ", TONES[self.state]), Cell(first, tone))
        return (head, *((Cell(f"   {each}", tone),) for each in others))


def _names(nodes: tuple[NodeId, ...]) -> str:
    """``balancer cp1``, ``balancers cp1, cp2``; of many the number too."""
    stage = nodes[0].stage
    plural = "s" if len(nodes) > 1 and stage is not Stage.ETCD else ""
    names = [node.name for node in nodes]
    listed_names = (
        names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} others"]
    )
    return f"{stage}{plural} {', '.join(listed_names)}".rstrip()


def grouped(edges: Iterable[PathEdge]) -> tuple[EdgeGroup, ...]:
    """The edges in as few lines as possible: those to the same node first, then those from the same nodes."""
    by_end: dict[tuple[NodeId, EdgeState, str], list[NodeId]] = {}
    for edge in edges:
        took = f"{figure_text(m.ENDPOINT, edge.seconds)}, " if edge.seconds is not None else ""
        by_end.setdefault((edge.end, edge.state, f"{took}{edge.note}"), []).append(edge.start)
    by_start: dict[tuple[tuple[NodeId, ...], EdgeState, str], list[NodeId]] = {}
    for (end, state, note), starts in by_end.items():
        by_start.setdefault((tuple(starts), state, note), []).append(end)
    return tuple(EdgeGroup(starts, tuple(ends), state, note) for (starts, state, note), ends in by_start.items())


def legend(path: RequestPath, selected: NodeId, width: int, room: int) -> tuple[Line, ...]:
    """Broken and unknown edges first, then those of the node under the cursor; the others if there is room."""
    wrong = (*path.in_state(EdgeState.BROKEN), *path.in_state(EdgeState.UNKNOWN))
    own = tuple(edge for edge in path.at(selected) if edge not in wrong)
    others = tuple(edge for edge in path.edges if edge not in wrong and edge not in own)
    lines = (
        *_section("Broken or unknown hops", wrong, width),
        *_section(f"Hops of {selected}", own, width),
    )
    more = _section("Other hops", others, width)
    return (*lines, *more) if len(lines) + len(more) <= room else lines


def _section(title: str, edges: tuple[PathEdge, ...], width: int) -> tuple[Line, ...]:
    if not edges:
        return ()
    return ((Cell(f" {title}", Tone.ACCENT),), *(line for each in grouped(edges) for line in each.lines(width)))


def as_text(path: RequestPath, width: int) -> tuple[str, ...]:
    """The complete drawing, then every edge, as lines of text."""
    lines = (*drawing(path, Sketch.of(path, width, MANY_LINES)), (), *every_edge(path, width))
    return tuple(text_of(line).rstrip() for line in lines)


def every_edge(path: RequestPath, width: int) -> tuple[Line, ...]:
    """All edges as text, the broken ones first."""
    states = (EdgeState.BROKEN, EdgeState.UNKNOWN, EdgeState.WORKS, EdgeState.UNUSED)
    groups = (each for state in states for each in grouped(path.in_state(state)))
    return tuple(line for each in groups for line in each.lines(width))
