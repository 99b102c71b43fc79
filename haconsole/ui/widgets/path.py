"""The path of a request: nodes and lines, a cursor on a node, and the edges as text below."""

from __future__ import annotations

from datetime import UTC, datetime

from haconsole.present.ages import age
from haconsole.present.cells import Cell, Line, Tone, padded, width_of
from haconsole.present.path.drawing import as_text
from haconsole.present.path.request_path import RequestPath
from haconsole.present.path.window import PathPicture, PathWindow
from haconsole.present.row_keys import RowKey
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import Copy, ShowDetails
from haconsole.ui.widgets.lines import Pane

NOTHING_YET = " ? no host has answered yet; the path is drawn after the first answer"
HEAD_LINES = 2


class PathPane(Pane):
    """Draws a path that fits the width; with many nodes the drawing scrolls with the cursor."""

    BINDINGS = bindings(Scope.PATH)

    def __init__(self) -> None:
        super().__init__(id="path")
        self._path: RequestPath | None = None
        self._at: datetime | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        self._window = PathWindow()
        self._is_cut = False
        """Whether there are more hops as text than have room."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key scrolls hops that are shown completely."""
        return self._is_cut if (action, parameters[:1]) == ("look", ("words",)) else True

    def show(self, path: RequestPath | None, at: datetime | None, now: datetime) -> None:
        """Draw the path that was observed `at`, with its age."""
        self._path, self._at, self._now = path, at, now
        self._draw()

    def _draw(self) -> None:
        width, height = self.size.width, self.size.height
        if width <= 0:
            return
        part = "head-focused" if self.has_focus else "head"
        if self._path is None or not self._path.nodes:
            head = _head(self._path, age(self._at, self._now), width, 0)
            self.paint(((head, part), ((Cell(NOTHING_YET, Tone.UNKNOWN),), "")))
            return
        picture = PathPicture.of(self._path, self._window, width, height - HEAD_LINES)
        self._window = picture.window
        was_cut, self._is_cut = self._is_cut, picture.below > 0 or picture.window.words_top > 0
        if self._is_cut is not was_cut:
            self.screen.refresh_bindings()
        head = _head(self._path, age(self._at, self._now), width, picture.below)
        heads = ((head, part), (picture.titles, "titles"))
        self.paint((*heads, *((line, "") for line in picture.lines)))

    @property
    def subject(self) -> RowKey | None:
        """The subject of the node under the cursor."""
        node = self._window.node(self._path) if self._path is not None else None
        return node.key if node is not None else None

    def move_by(self, lines: int) -> None:
        self.action_look("node", lines)

    def action_look(self, how: str, by: int) -> None:
        """Move the cursor among the nodes of a stage or to another stage, or scroll the edges as text."""
        if self._path is None:
            return
        window = self._window
        match how:
            case "node":
                self._window = window.moved(self._path, by)
            case "stage":
                self._window = window.across(self._path, by)
            case _:
                self._window = window.scrolled(by)
        self._draw()

    def action_choose(self) -> None:
        """Everything known of the node under the cursor."""
        if self.subject is not None:
            self.post_message(ShowDetails(self.subject))

    def action_copy(self) -> None:
        if self._path is not None:
            self.post_message(Copy("\n".join(as_text(self._path, self.size.width))))


def _head(path: RequestPath | None, old: Cell, width: int, below: int) -> Line:
    """The title with the summary of the path, and its age; so many lines are below."""
    title, more = Cell(" path of a request  "), Cell(f" ▼{below} " if below else " ", Tone.MUTED)
    summary = path.summary if path else Cell("")
    room = width - sum(width_of(cell.text) for cell in (title, old, more))
    return (title, padded(summary, max(room, 0)), old, more)
