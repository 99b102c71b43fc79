"""A pane with a text to read and scroll."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haconsole.present.cells import Cell, Line, Tone, padded, text_of
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.messages import Copy
from haconsole.ui.widgets.lines import Pane

if TYPE_CHECKING:
    from haconsole.present.detail import Detail


class TextPane(Pane):
    """Draws a Detail under a head; None is drawn as a sentence that there is nothing to show."""

    BINDINGS = bindings(Scope.TEXT)

    def __init__(self, *, id: str | None = None, hint: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self.detail: Detail | None = None
        self._hint = hint
        self._top = 0

    def show(self, detail: Detail | None) -> None:
        """Draw `detail`; the scroll position is kept while the subject is the same."""
        if detail is None or self.detail is None or detail.title != self.detail.title:
            self._top = 0
        self.detail = detail
        self._draw()

    def _text(self) -> tuple[Line, ...]:
        if self.detail is None:
            return ((Cell(self._hint, Tone.MUTED),),)
        from haconsole.present.detail import detail_lines

        return detail_lines(self.detail, max(self.size.width - 2, 1))

    def _draw(self) -> None:
        width, room = self.size.width, max(self.size.height - 1, 0)
        if width <= 0:
            return
        text = self._text()
        self._top = max(0, min(self._top, len(text) - room))
        visible = text[self._top : self._top + room]
        head = _head(self.detail.title if self.detail else "", width, len(text) - self._top - room, self.has_focus)
        part = "head-focused" if self.has_focus else "head"
        self.paint(((head, part), *(((Cell(" "), *line), "") for line in visible)))

    def move_by(self, lines: int) -> None:
        self._top += lines
        self._draw()

    def action_copy(self) -> None:
        self.post_message(Copy("\n".join(text_of(line).rstrip() for line in self._text())))


def _head(title: str, width: int, below: int, focused: bool) -> Line:
    more = Cell(f" ▼{below}" if below > 0 else "", Tone.MUTED)
    mark = Cell("▸" if focused else " ", Tone.ACCENT)
    return (mark, padded(Cell(title), width - 1 - len(more.text)), more)
