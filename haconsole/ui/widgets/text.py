"""A pane with a text to read and scroll."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events

from haconsole.present.cells import Cell, Line, Tone, padded, text_of
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.messages import Copy, ShowDetails, ShowJournal
from haconsole.ui.widgets.lines import Pane

if TYPE_CHECKING:
    from haconsole.present.detail import Detail


MARK = "▸"


class TextPane(Pane):
    """Draws a Detail under a head; None is drawn as a sentence that there is nothing to show."""

    BINDINGS = bindings(Scope.TEXT)

    def __init__(self, *, id: str | None = None, hint: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self.detail: Detail | None = None
        self._hint = hint
        self._top = 0
        self._target_place = 0
        """The place of the marked line among those that open something."""
        self._rows: tuple[tuple[int, Line], ...] = ()
        """The lines of the text, each with the place of its item."""

    def show(self, detail: Detail | None) -> None:
        """Draw `detail`; the scroll position is kept while the subject is the same."""
        if detail is None or self.detail is None or detail.title != self.detail.title:
            self._top = self._target_place = 0
        self.detail = detail
        self._draw()

    def _text(self) -> tuple[tuple[int, Line], ...]:
        if self.detail is None:
            return ((0, (Cell(self._hint, Tone.MUTED),)),)
        from haconsole.present.detail import detail_rows

        return detail_rows(self._with_mark(self.detail), max(self.size.width - 2, 1))

    def _with_mark(self, detail: Detail) -> Detail:
        """The text with a mark on the line that `enter` opens."""
        place = self._chosen_item() if self.has_focus else None
        if place is None:
            return detail
        from haconsole.present.detail import Sentence

        items = (
            replace(item, mark=MARK) if index == place and isinstance(item, Sentence) else item
            for index, item in enumerate(detail.items)
        )
        return replace(detail, items=tuple(items))

    def _targets(self) -> list[int]:
        """The places of the items that open something."""
        items = self.detail.items if self.detail is not None else ()
        return [place for place, item in enumerate(items) if getattr(item, "target", None) is not None]

    def _chosen_item(self) -> int | None:
        targets = self._targets()
        return targets[min(self._target_place, len(targets) - 1)] if targets else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that open a line have no effect in a text without such lines."""
        return bool(self._targets()) if action in ("open", "mark") else True

    def action_mark(self, by: int) -> None:
        """Mark the next line that opens something, and scroll to it."""
        targets = self._targets()
        self._target_place = (min(self._target_place, len(targets) - 1) + by) % len(targets)
        first = next((y for y, (item, _) in enumerate(self._text()) if item == targets[self._target_place]), 0)
        room = max(self.size.height - 1, 1)
        self._top = min(max(self._top, first - room + 1), first)
        self._draw()

    def action_open(self) -> None:
        """Open the marked line."""
        self._open(self._chosen_item())

    def _open(self, place: int | None) -> None:
        target = getattr(self.detail.items[place], "target", None) if self.detail and place is not None else None
        if target is None:
            return
        from haconsole.present.log_place import LogPlace

        self.post_message(ShowJournal(target) if isinstance(target, LogPlace) else ShowDetails(target))

    def on_click(self, event: events.Click) -> None:
        """Open the line at the mouse."""
        y = event.y - 1 + self._top
        if event.y >= 1 and y < len(self._rows):
            self._open(self._rows[y][0])

    def _draw(self) -> None:
        width, room = self.size.width, max(self.size.height - 1, 0)
        if width <= 0:
            return
        self._rows = self._text()
        text = tuple(line for _, line in self._rows)
        self._top = max(0, min(self._top, len(text) - room))
        visible = text[self._top : self._top + room]
        head = _head(self.detail.title if self.detail else "", width, len(text) - self._top - room, self.has_focus)
        part = "head-focused" if self.has_focus else "head"
        self.paint(((head, part), *(((Cell(" "), *line), "") for line in visible)))

    def move_by(self, lines: int) -> None:
        self._top += lines
        self._draw()

    def action_copy(self) -> None:
        self.post_message(Copy("\n".join(text_of(line).rstrip() for _, line in self._text())))


def _head(title: str, width: int, below: int, focused: bool) -> Line:
    more = Cell(f" ▼{below}" if below > 0 else "", Tone.MUTED)
    mark = Cell("▸" if focused else " ", Tone.ACCENT)
    return (mark, padded(Cell(title), width - 1 - len(more.text)), more)
