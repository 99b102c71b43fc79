"""A form on the screen: arrows choose, letters fill in."""

from __future__ import annotations

from textual import events
from textual.message import Message

from haconsole.ui.keys import Scope, bindings
from haconsole.ui.panes.lines import LineWidget
from haconsole.ui.present.cells import Cell, padded
from haconsole.ui.present.form import Form, erased, form_lines, moved, turned, typed


class FormPane(LineWidget, can_focus=True):
    """Draws a Form and takes what is typed into it."""

    BINDINGS = bindings(Scope.FORM)

    class Filled(Message):
        """A person is done with the form and it fits its action."""

        def __init__(self, form: Form) -> None:
            super().__init__()
            self.form = form

    def __init__(self, form: Form) -> None:
        super().__init__(id="form", classes="pane")
        self.form = form

    def on_mount(self) -> None:
        self.focus()

    def on_resize(self) -> None:
        self._draw()

    def _take(self, form: Form) -> None:
        self.form = form
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if width <= 0:
            return
        head = ((Cell(" "), padded(Cell(self.form.action.title), width - 1)), "head-focused")
        lines = form_lines(self.form, width - 2)
        body = tuple(((Cell(" "), *line), "cursor" if here else "") for line, here in lines)
        self.paint((head, *body)[: max(self.size.height, 1)])

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
            self.app.bell()
