"""Lines of cells, painted: the base of every widget that draws views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from haconsole.present.cells import Line, Tone, width_of
from haconsole.ui.style_table import CHIPS, Inks

if TYPE_CHECKING:
    from haconsole.ui.console import Console

WHEEL_LINES = 3
END = 10**9
"""More lines than any pane has."""


class LineWidget(Widget):
    """A widget made of lines of cells. Only lines whose content changed are painted again."""

    app: Console

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.lines: tuple[tuple[Line, str], ...] = ()

    def _draw(self) -> None:
        """Paint the lines, in the widget's present size."""
        raise NotImplementedError

    def on_resize(self) -> None:
        self._draw()

    def paint(self, lines: tuple[tuple[Line, str], ...]) -> None:
        """Show these lines, each with its part of the style table (empty: the widget's own ground)."""
        before, self.lines = self.lines, lines
        if len(before) != len(lines):
            self.refresh()
            return
        width = self.size.width
        changed = [Region(0, y, width, 1) for y, line in enumerate(lines) if line != before[y]]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """One painted line (Textual's line API)."""
        width = self.size.width
        if y >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        return _strip(*self.lines[y], width, self.rich_style, self.app.inks)


def _strip(line: Line, part: str, width: int, ground: Style, inks: Inks) -> Strip:
    """Cells as a strip of exactly `width` on the part's ground."""
    if part not in ("", "bar"):
        ground = ground + inks[part]
    segments = [Segment(cell.text, ground + _ink(cell.tone, part, inks)) for cell in line if cell.text]
    length = sum(width_of(cell.text) for cell in line)
    return Strip(segments, length).adjust_cell_length(width, ground)


def _ink(tone: Tone, part: str, inks: Inks) -> Style:
    """The style of a tone: none on a cursor line, whose own colour counts, and a chip for a state on the bar."""
    if part == "cursor":
        return Style.null()
    if part == "bar":
        return inks[f"chip-{tone}"] if tone in CHIPS else Style(bold=True) if tone is Tone.ACCENT else Style.null()
    return inks[tone]


class Pane(LineWidget, can_focus=True):
    """A part of the screen that can be entered, and scrolled by keys and the mouse's wheel."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane")

    def move_by(self, lines: int) -> None:
        """Move the cursor or the text by so many lines, back if negative."""
        raise NotImplementedError

    def action_move(self, unit: str, by: int) -> None:
        """Move by a line, a page or to the end."""
        self.move_by(by * {"line": 1, "page": max(self.size.height - 2, 1), "end": END}[unit])

    @on(events.MouseScrollDown)
    @on(events.MouseScrollUp)
    def scroll_by_wheel(self, event: events.MouseScrollDown | events.MouseScrollUp) -> None:
        self.move_by(WHEEL_LINES if isinstance(event, events.MouseScrollDown) else -WHEEL_LINES)

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self._draw()
