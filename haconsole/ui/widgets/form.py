"""A form on the screen: arrows choose, letters fill in."""

from __future__ import annotations

from textual import events
from textual.message import Message

from haconsole.present.cells import Cell, Line, Tone, padded, width_of
from haconsole.present.form import Form, erased, form_lines, moved, turned, typed, verdict_lines
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.widgets.lines import LineWidget


class FormPane(LineWidget, can_focus=True):
    """Draws a Form and takes the typed text."""

    BINDINGS = bindings(Scope.FORM)

    class Filled(Message):
        """A person is done with the form and it fits its action."""

        def __init__(self, form: Form) -> None:
            super().__init__()
            self.form = form

    def __init__(self, form: Form) -> None:
        super().__init__(id="form", classes="pane")
        self.form = form
        self._top = 0

    def on_mount(self) -> None:
        self.focus()

    def _take(self, form: Form) -> None:
        self.form = form
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if width <= 0:
            return
        verdict = ((), *verdict_lines(self.form, width - 2))
        lines = form_lines(self.form, width - 2)
        room = max(self.size.height - 1 - len(verdict), 1)
        self._top = _top(self._top, lines, room)
        visible = lines[self._top : self._top + room]
        body = tuple(((Cell(" "), *line), "cursor" if here else "") for line, here in visible)
        last = tuple(((Cell(" "), *line), "") for line in verdict)
        self.paint((self._head(width, len(lines) - self._top - room), *body, *last))

    def _head(self, width: int, below: int) -> tuple[Line, str]:
        more = Cell(f" ▼{below}" if below > 0 else "", Tone.MUTED)
        title = padded(Cell(self.form.action.title), width - 1 - width_of(more.text))
        return (Cell(" "), title, more), "head-focused"

    def on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character and self.form.entries:
            event.stop()
            self._take(typed(self.form, event.character))

    def action_move(self, by: int) -> None:
        if self.form.entries:
            self._take(moved(self.form, by))

    def action_turn(self, by: int) -> None:
        if self.form.entries:
            self._take(turned(self.form, by))

    def action_erase(self) -> None:
        if self.form.entries:
            self._take(erased(self.form))

    def action_submit(self) -> None:
        if self.form.problem is None:
            self.post_message(self.Filled(self.form))
        else:
            self.app.notify(self.form.problem, severity="warning", timeout=4, markup=False)


def _top(top: int, lines: tuple[tuple[Line, bool], ...], room: int) -> int:
    """The first line to show so that the current entry is in view, with its complete description."""
    begin = next((index for index, (_, here) in enumerate(lines) if here), 0)
    end = next((index for index in range(begin, len(lines)) if not lines[index][0]), len(lines))
    if end <= room:
        return 0
    return max(min(top, begin), end - room)
