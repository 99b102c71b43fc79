"""Filter and sort: the rows that a person wants, in the order that they want."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.model.names import HostName
from haconsole.present.cells import Cell, Tone
from haconsole.present.row_keys import HostKey
from haconsole.present.table import Column, Row, TableView
from haconsole.present.table_filter import TableFilter, granted, next_order, ordered_by

NAMES = ("cp2", "CP10", "cp1", "worker1")
VIEW = TableView(
    "hosts",
    (Column("HOST"), Column("SIZE")),
    tuple(
        Row(HostKey(HostName(name)), (Cell(name), Cell(f"{size}K")))
        for name, size in zip(NAMES, (9, 10, 300, 1), strict=True)
    ),
    None,
)


def names(view: TableView) -> list[str]:
    return [row.cells[0].text for row in view.rows]


def test_a_filter_looks_in_every_column_and_minds_no_case() -> None:
    assert names(granted(VIEW, TableFilter("cp1"))) == ["CP10", "cp1"]
    assert names(granted(VIEW, TableFilter("300k"))) == ["cp1"]
    nothing = granted(VIEW, TableFilter("cp7"))
    assert names(nothing) == []
    assert nothing.empty.text == "no row matches 'cp7'"


def test_a_filter_is_a_regular_expression_and_literal_if_it_is_none() -> None:
    assert names(granted(VIEW, TableFilter("^cp1$"))) == ["cp1"]
    assert names(granted(VIEW, TableFilter("cp(2|10)"))) == ["cp2", "CP10"]
    assert names(granted(VIEW, TableFilter("cp("))) == []


def test_an_exclamation_mark_inverts_the_filter() -> None:
    assert names(granted(VIEW, TableFilter("!cp1"))) == ["cp2", "worker1"]
    assert len(granted(VIEW, TableFilter("!")).rows) == 0


def test_a_filter_can_be_limited_to_a_column() -> None:
    assert names(granted(VIEW, TableFilter("1"))) == ["CP10", "cp1", "worker1"]
    assert names(granted(VIEW, TableFilter("size=1"))) == ["CP10", "worker1"]
    assert names(granted(VIEW, TableFilter("!size=1"))) == ["cp2", "cp1"]
    assert names(granted(VIEW, TableFilter("other=1"))) == []


def test_a_column_that_is_not_there_is_named() -> None:
    assert granted(VIEW, TableFilter("rack=1")).empty.text == "no row matches 'rack=1'; there is no column RACK"
    assert granted(VIEW, TableFilter("size=7")).empty.text == "no row matches 'size=7'"


def test_the_start_of_a_title_names_a_column() -> None:
    view = replace(VIEW, columns=(Column("SIZE OF NAME"), Column("SIZE")))
    assert names(granted(view, TableFilter("size=1"))) == ["CP10", "worker1"]
    assert names(granted(view, TableFilter("size of=1"))) == ["CP10", "cp1", "worker1"]
    assert names(granted(view, TableFilter("=1"))) == []


def test_only_what_is_wrong_is_left() -> None:
    first, second, *rest = VIEW.rows
    wrong = replace(first, cells=(first.cells[0], Cell("✖ down", Tone.CRITICAL)))
    view = replace(VIEW, rows=(wrong, replace(second, stale=True), *rest))
    assert names(granted(view, TableFilter(wrong=True))) == ["cp2", "CP10"]
    assert names(granted(view, TableFilter("10", wrong=True))) == ["CP10"]
    assert granted(VIEW, TableFilter(wrong=True)).empty == Cell("nothing is wrong here", Tone.GOOD)
    assert TableFilter("x", wrong=True).note == "only wrong /x"


def test_a_header_sorts_up_then_down_then_not() -> None:
    once = ordered_by(TableFilter(), 1)
    twice = ordered_by(once, 1)
    assert (once.column, once.backwards) == (1, False)
    assert (twice.column, twice.backwards) == (1, True)
    assert ordered_by(twice, 1).column is None
    assert ordered_by(twice, 0) == TableFilter(column=0)


def test_numbers_sort_as_numbers() -> None:
    assert names(granted(VIEW, TableFilter(column=0))) == ["cp1", "cp2", "CP10", "worker1"]
    assert names(granted(VIEW, TableFilter(column=1, backwards=True))) == ["cp1", "CP10", "cp2", "worker1"]


def test_the_sorted_column_is_marked() -> None:
    assert [column.title for column in granted(VIEW, TableFilter(column=1)).columns] == ["HOST", "SIZE↑"]


def test_orders_come_around_to_none() -> None:
    wish, reading = TableFilter("cp"), []
    for _ in range(5):
        wish = next_order(VIEW, wish)
        reading.append((wish.column, wish.backwards))
    assert reading == [(0, False), (0, True), (1, False), (1, True), (None, False)]
    assert wish.needle == "cp"
