"""Tables fit their width: what may leave leaves in order, what stays is squeezed last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from haconsole.model.names import HostName
from haconsole.present.cells import Cell, text_of, width_of
from haconsole.present.fitting import fit, row_line, text_table, title_line
from haconsole.present.row_keys import HostKey
from haconsole.present.table import Column, Row, TableView

COLUMNS = (Column("NAME", least=4), Column("STATE"), Column("SIZE", rank=1, right=True), Column("WHY", rank=2, least=5))


def table(*rows: tuple[str, ...]) -> TableView:
    result = tuple(Row(HostKey(HostName(row[0])), tuple(Cell(text) for text in row)) for row in rows)
    return TableView("things", COLUMNS, result, None)


THINGS = table(("alpha", "up", "12K", "all is well"), ("beta-with-a-name", "down", "3K", "nobody answered there"))


def test_a_wide_table_shows_everything_with_room_between() -> None:
    assert text_table(THINGS, 60) == (
        "NAME              STATE  SIZE  WHY\n"
        "alpha             up      12K  all is well\n"
        "beta-with-a-name  down     3K  nobody answered there"
    )


def test_what_may_leave_is_squeezed_and_then_leaves() -> None:
    assert text_table(THINGS, 40).splitlines()[2] == "beta-with-a-name down    3K nobody answ…"
    assert text_table(THINGS, 30).splitlines()[2] == "beta-with-a-name  down     3K"
    assert text_table(THINGS, 24).splitlines()[2] == "beta-with-a-name  down"


def test_what_stays_is_squeezed_when_nothing_else_is_left() -> None:
    assert text_table(THINGS, 14).splitlines()[2] == "beta-wi… down"


def test_an_empty_table_has_a_message() -> None:
    assert text_table(table(), 20).splitlines()[-1] == "–"


@given(st.integers(10, 200))
def test_every_line_keeps_to_the_width(width: int) -> None:
    layout = fit(THINGS, width)
    for line in (title_line(THINGS, layout), *(row_line(THINGS, row, layout) for row in THINGS.rows)):
        assert width_of(text_of(line)) <= width
