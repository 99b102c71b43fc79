"""Lines of cells, painted: the base of every widget that draws views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from haconsole.present.cells import Line, Tone, width_of

if TYPE_CHECKING:
    from haconsole.ui.app import ConsoleApp

WHEEL_LINES = 3


class LineWidget(Widget):
    """A widget made of lines of cells. Only lines whose content changed are painted again."""

    app: ConsoleApp

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.lines: tuple[tuple[Line, str], ...] = ()

    def _draw(self) -> None:
        """Paint the lines, in the widget's present size."""
        raise NotImplementedError

    def on_resize(self) -> None:
        self._draw()

    def paint(self, lines: tuple[tuple[Line, str], ...]) -> None:
        """Show these lines, each with its ground (empty: the widget's own)."""
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
        line, part = self.lines[y]
        return self.strip(line, part, width)

    def strip(self, line: Line, part: str, width: int) -> Strip:
        """Cells as a strip of exactly `width`; on a cursor line the cursor's own colour counts, not the tones'."""
        ground = self.rich_style
        if part:
            ground = ground + self.app.inks[part]
        toneless = part == "cursor"
        segments = [
            Segment(cell.text, ground if toneless else ground + self.tone_style(cell.tone))
            for cell in line
            if cell.text
        ]
        length = sum(width_of(cell.text) for cell in line)
        return Strip(segments, length).adjust_cell_length(width, ground)

    def tone_style(self, tone: Tone) -> Style:
        """A tone's own colour and style; plain text has none, and takes its ground's."""
        return self.app.inks[tone]


class Pane(LineWidget, can_focus=True):
    """A part of the screen that can be entered, and scrolled by the mouse's wheel."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane")

    def wheel(self, by: int) -> None:
        """Scroll by so many lines, back if negative."""
        raise NotImplementedError

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self._draw()

    def on_mouse_scroll_down(self) -> None:
        self.wheel(WHEEL_LINES)

    def on_mouse_scroll_up(self) -> None:
        self.wheel(-WHEEL_LINES)
