"""The part of a table that a person sees: the cursor stays on its row, and never leaves the rows."""

from __future__ import annotations

from haconsole.model.names import HostName
from haconsole.present.cells import Cell
from haconsole.present.row_keys import HostKey
from haconsole.present.table import Column, Row, TableView
from haconsole.present.table_filter import TableFilter
from haconsole.present.table_window import TableWindow


def table(*names: str) -> TableView:
    rows = tuple(Row(HostKey(HostName(name)), (Cell(name),)) for name in names)
    return TableView("hosts", (Column("HOST"),), rows, None)


def on(name: str) -> HostKey:
    return HostKey(HostName(name))


def test_a_cursor_stays_on_its_row_when_rows_come_before_it() -> None:
    window = TableWindow().showing(table("b", "c"), keep=True).at(1)
    assert window.showing(table("a", "b", "c"), keep=True).key == on("c")


def test_a_cursor_of_an_entered_table_keeps_even_the_first_row() -> None:
    window = TableWindow().showing(table("b", "c"), keep=False)
    assert window.showing(table("a", "b", "c"), keep=True).key == on("b")
    assert window.showing(table("a", "b", "c"), keep=False).key == on("a")


def test_a_cursor_whose_row_is_gone_stays_near() -> None:
    window = TableWindow().showing(table("a", "b", "c"), keep=True).at(2)
    assert window.showing(table("a", "b"), keep=True).key == on("b")
    assert window.showing(table(), keep=True).key is None


def test_a_cursor_does_not_leave_the_rows() -> None:
    window = TableWindow().showing(table("a", "b"), keep=True)
    assert window.at(-5).key == on("a")
    assert window.at(10**9).key == on("b")
    assert TableWindow().at(3).key is None


def test_a_filter_keeps_the_cursor_and_all_rows_come_back() -> None:
    window = TableWindow().showing(table("cp1", "cp2", "w1"), keep=True).on(on("cp2"))
    filtered = window.granting(TableFilter(needle="cp"), keep=True)
    assert [row.key for row in filtered.rows] == [on("cp1"), on("cp2")]
    assert filtered.key == on("cp2")
    everything = filtered.granting(TableFilter(), keep=True)
    assert len(everything.rows) == 3
    assert everything.key == on("cp2")


def test_a_row_that_is_not_there_leaves_the_cursor() -> None:
    window = TableWindow().showing(table("a", "b"), keep=True).at(1)
    assert window.on(on("z")).key == on("b")


def test_content_is_compared_and_the_cursor_is_not() -> None:
    window = TableWindow().showing(table("a", "b"), keep=True)
    assert window.at(1).has_content_of(window)
    assert not window.showing(table("a"), keep=True).has_content_of(window)
    assert not window.has_content_of(TableWindow())
