"""The types of a table: columns, rows, and the view that panes and the command line draw."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from haconsole.present.ages import OLD_S
from haconsole.present.cells import NOTHING, Cell

if TYPE_CHECKING:
    from haconsole.present.row_keys import RowKey


class Column(msgspec.Struct, frozen=True):
    """A column's title and behaviour.

    `rank` decides which columns are left out first when the width does not suffice: the highest, together with its
    equals; rank 0 stays. `least` is the width it may shrink to before any column is left out (None: never shrinks).
    Of a text that is cut, the start stays; with `both_ends` the end stays too, for paths.
    """

    title: str
    rank: int = 0
    least: int | None = None
    right: bool = False
    both_ends: bool = False
    newest: bool = False
    """Only the end of a text that is cut stays: that of a course."""
    shrinks_first: bool = False
    """It shrinks before all others, down to `least`: its text is repeated in another column."""
    is_hidden: bool = False
    """A person hid it; its cells still count for filters."""


class Row(msgspec.Struct, frozen=True):
    """One row; `key` is its subject, `stale` that its facts are remembered, not current.

    A `heading` is no row of the table: the texts of its cells follow each other, in no column.
    """

    key: RowKey
    cells: tuple[Cell, ...]
    stale: bool = False
    heading: bool = False
    copied: str = ""
    """The text for the clipboard, if it is not that of the cells."""


class TableView(msgspec.Struct, frozen=True):
    """A pane's content."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    at: datetime | None
    """When the oldest of the facts shown was observed."""
    summaries: tuple[Cell, ...] = ()
    """One summary in several lengths, the longest first."""
    empty: Cell = NOTHING
    """Shown in place of the rows when there are none."""
    ageless: bool = False
    """No age is shown."""
    warn_s: int = OLD_S
    """Seconds from which the age of `at` is a warning; longer for facts that are read seldom."""

    def index_of(self, key: RowKey | None) -> int | None:
        return next((index for index, row in enumerate(self.rows) if row.key == key), None)
