"""Messages between parts of the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from haconsole.present.row_keys import RowKey
    from haconsole.ui.panes.table import TablePane


class RowHighlighted(Message):
    """The cursor of a table is on another row, or on the same one with other content."""

    def __init__(self, pane: TablePane, key: RowKey | None) -> None:
        super().__init__()
        self.pane = pane
        self.key = key

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RowHighlighted) and message.pane is self.pane


class RowChosen(Message):
    """A person wants to see the details of a row."""

    def __init__(self, pane: TablePane, key: RowKey) -> None:
        super().__init__()
        self.pane = pane
        self.key = key


class Copied(Message):
    """A person wants a text in the clipboard."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
