"""The part of the drawing of a request's path that is shown, and the cursor in it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from haconsole.present.cells import Line
from haconsole.present.path.drawing import Sketch, drawing, first_lines, legend
from haconsole.present.path.request_path import NodeId, PathNode, RequestPath

LEGEND_LEAST = 5
"""Lines that the edges as text have at least."""
GAP_LINE: Line = ()


class PathWindow(msgspec.Struct, frozen=True):
    """The node under the cursor (None: the first one), and how far drawing and words are scrolled."""

    selected: NodeId | None = None
    top: int = 0
    words_top: int = 0

    def node(self, path: RequestPath) -> PathNode | None:
        """The node under the cursor; the first one if that no longer exists."""
        first = path.nodes[0] if path.nodes else None
        return next((node for node in path.nodes if node.id == self.selected), first)

    def moved(self, path: RequestPath, by: int) -> PathWindow:
        """The cursor at another node of the same stage."""
        node = self.node(path)
        if node is None:
            return self
        stage = path.of_stage(node.id.stage)
        return self._at(stage[max(0, min(stage.index(node) + by, len(stage) - 1))])

    def across(self, path: RequestPath, by: int) -> PathWindow:
        """The cursor at the node of another stage that is drawn nearest."""
        node, stages = self.node(path), path.stages
        place = stages.index(node.id.stage) + by if node is not None else -1
        if node is None or not 0 <= place < len(stages):
            return self
        lines = first_lines(path, Sketch((), 0, 2))
        return self._at(min(path.of_stage(stages[place]), key=lambda other: abs(lines[other.id] - lines[node.id])))

    def _at(self, node: PathNode) -> PathWindow:
        return replace(self, selected=node.id, words_top=0)

    def scrolled(self, pages: int) -> PathWindow:
        """The edges as text some lines on."""
        return replace(self, words_top=max(0, self.words_top + pages * LEGEND_LEAST))


class PathPicture(msgspec.Struct, frozen=True):
    """The painted part: the titles of the stages, the lines that have room, and how many more there are."""

    titles: Line
    lines: tuple[Line, ...]
    below: int
    window: PathWindow

    @classmethod
    def of(cls, path: RequestPath, window: PathWindow, width: int, height: int) -> PathPicture:
        """The picture in a width and height, the node under the cursor in it; `window` scrolled as it is needed."""
        node = window.node(path)
        assert node is not None
        most = max(height - LEGEND_LEAST, 1)
        sketch = Sketch.of(path, width, most)
        titles, *lines = drawing(path, sketch, node.id)
        room, selected = max(most, sketch.node_lines), first_lines(path, sketch)[node.id]
        top = max(min(window.top, selected, len(lines) - room), selected + sketch.node_lines - room, 0)
        visible = lines[top : top + room]
        words_room = max(height - len(visible) - 1, 0)
        words = legend(path, node.id, width, words_room)
        words_top = max(0, min(window.words_top, len(words) - words_room))
        all_lines = (*visible, GAP_LINE, *words[words_top : words_top + words_room])
        below = max(len(words) - words_top - words_room, 0)
        return cls(titles, all_lines, below, replace(window, top=top, words_top=words_top))
