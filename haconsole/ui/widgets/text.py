"""A pane with a long text: scrolling, and lines that open something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from haconsole.present.cells import Cell, Line, Tone, padded, text_of
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import Copy, ShowDetails, ShowJournal
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
        self._link = 0
        """The number of the marked line among those that open something."""
        self._rows: tuple[tuple[int, Line], ...] = ()
        """The lines of the text, each with the place of its item."""
        self._is_cut = False
        """Whether there are more lines than have room."""

    def show(self, detail: Detail | None) -> None:
        """Draw `detail`; the scroll position is kept while the subject is the same."""
        if detail is None or self.detail is None or detail.title != self.detail.title:
            self._top = self._link = 0
        self.detail = detail
        self._draw()

    def _text(self) -> tuple[tuple[int, Line], ...]:
        if self.detail is None:
            return ((0, (Cell(self._hint, Tone.MUTED),)),)
        from haconsole.present.detail import detail_rows
        from haconsole.present.text_links import with_mark

        detail = with_mark(self.detail, self._link) if self.has_focus else self.detail
        return detail_rows(detail, max(self.size.width - 2, 1))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key scrolls a text that is shown completely, and none opens a line of a text without such lines."""
        if action == "move":
            return self._is_cut
        if action != "link":
            return True
        from haconsole.present.text_links import link_places

        return bool(link_places(self.detail))

    def action_link(self, by: int) -> None:
        """Mark another line that opens something, and scroll to it; with 0 open the marked one."""
        from haconsole.present.text_links import marked_place, neighbour

        if not by:
            open_place(self, marked_place(self.detail, self._link))
            return
        self._link = neighbour(self.detail, self._link, by)
        place = marked_place(self.detail, self._link)
        first = next((y for y, (item, _) in enumerate(self._text()) if item == place), 0)
        self._top = min(max(self._top, first - max(self.size.height - 2, 0)), first)
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Open the line at the mouse."""
        y = event.y - 1 + self._top
        if event.y >= 1 and y < len(self._rows):
            open_place(self, self._rows[y][0])

    def _draw(self) -> None:
        width, room = self.size.width, max(self.size.height - 1, 0)
        if width <= 0:
            return
        self._rows = self._text()
        text = tuple(line for _, line in self._rows)
        self._top = max(0, min(self._top, len(text) - room))
        visible = text[self._top : self._top + room]
        was_cut, self._is_cut = self._is_cut, len(text) > room
        if self._is_cut is not was_cut:
            self.screen.refresh_bindings()
        head = _head(self.detail.title if self.detail else "", width, len(text) - self._top - room, self.has_focus)
        part = "head-focused" if self.has_focus else "head"
        self.paint(((head, part), *(((Cell(" "), *line), "") for line in visible)))

    def move_by(self, lines: int) -> None:
        self._top += lines
        self._draw()

    def action_copy(self) -> None:
        self.post_message(Copy("\n".join(text_of(line).rstrip() for _, line in self._text())))


def open_place(pane: TextPane, place: int | None) -> None:
    """Open what the item at that place of the pane's text is about, if it is about a single thing."""
    from haconsole.present.log_place import LogPlace
    from haconsole.present.text_links import target_at

    target = target_at(pane.detail, place) if place is not None else None
    if target is not None:
        pane.post_message(ShowJournal(target) if isinstance(target, LogPlace) else ShowDetails(target))


def _head(title: str, width: int, below: int, focused: bool) -> Line:
    more = Cell(f" ▼{below}" if below > 0 else "", Tone.MUTED)
    mark = Cell("▸" if focused else " ", Tone.ACCENT)
    return (mark, padded(Cell(title), width - 1 - len(more.text)), more)
