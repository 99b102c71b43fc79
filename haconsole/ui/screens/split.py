"""A table with the details of its row beside it, or below it on a narrow screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.screen import Screen

from haconsole.present.arrange import PaneId, focused
from haconsole.present.detail import Detail
from haconsole.present.row_keys import RowKey
from haconsole.present.table import TableView
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.messages import RowHighlighted
from haconsole.ui.panes.bar import KeyBar
from haconsole.ui.panes.table import TablePane
from haconsole.ui.panes.text import TextPane

if TYPE_CHECKING:
    from textual.widget import Widget

    from haconsole.ui.app import ConsoleApp

MANY = 1000


class SplitLayout(Layout):
    """Table and text as `focused` places them; `rows` is the number of the table's rows, `percent` its part if wide."""

    name = "split"

    def __init__(self, percent: int) -> None:
        self.rows = MANY
        self._percent = percent

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        boxes = focused(size.width, size.height, PaneId.STEPS, self.rows, percent=self._percent)
        return [
            WidgetPlacement(Region(box.x, box.y, box.width, box.height), NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if (box := boxes.get(PaneId(child.id or ""))) is not None
        ]


class Split(Container):
    """The screen's middle; `percent` of a wide one is the first child's."""

    def __init__(self, *children: Widget, percent: int = 55) -> None:
        super().__init__(*children, id="split")
        self._placing = SplitLayout(percent)

    @property
    def layout(self) -> Layout:
        return self._placing

    def seat(self, rows: int) -> None:
        """Give the table no more lines than it has rows for."""
        if rows != self._placing.rows:
            self._placing.rows = rows
            self.children[0].refresh(layout=True)


class SplitScreen(Screen[None]):
    """A screen of one table; the text about a row comes from `details_of`."""

    BINDINGS = bindings(Scope.SPLIT)
    app: ConsoleApp

    def __init__(self, *, hint: str = "") -> None:
        super().__init__()
        self.table = TablePane(id=PaneId.STEPS)
        self.text = TextPane(id=PaneId.DETAIL, hint=hint)
        self.keys = KeyBar()
        self._split = Split(self.table, self.text)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of the active keys."""
        return (Scope.SPLIT, Scope.TEXT if self.focused is self.text else Scope.TABLE)

    def compose(self) -> ComposeResult:
        yield self._split
        yield self.keys

    def on_mount(self) -> None:
        self.table.focus()

    def show(self, view: TableView) -> None:
        """Draw the table."""
        self.table.show(view, self.app.now)
        self._split.seat(len(view.rows))

    def on_row_highlighted(self, message: RowHighlighted) -> None:
        self.tell()
        self.keys.tell()

    def tell(self) -> None:
        """Draw the text about the row under the cursor."""
        subject = self.table.cursor_key
        if subject is not None:
            self.text.show(self.details_of(subject))

    def details_of(self, subject: RowKey) -> Detail | None:
        """The text about a row."""
        raise NotImplementedError

    def on_row_chosen(self) -> None:
        self.text.focus()

    def action_other(self) -> None:
        """Between table and text."""
        (self.table if self.text.has_focus else self.text).focus()

    def action_leave(self) -> None:
        self.dismiss()
