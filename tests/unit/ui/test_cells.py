"""Nothing a host says is obeyed by the terminal, and text takes exactly the cells it is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haconsole.ui.present.cells import Cell, clean, sized, width_of


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[2J\x1b[31mred", "^[[2J^[[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x07\x7fb", "a^G^?b"),
        ("one\ntwo\tthree\r", "one two three "),
        ("right\u202eto left", "right\\u202eto left"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("主机-1 é", "主机-1 é"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(said: str, shown: str) -> None:
    assert clean(said) == shown
    assert Cell(said).text == shown


@given(st.text(max_size=40))
def test_no_control_character_survives(said: str) -> None:
    shown = Cell(said).text
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert clean(shown) == shown


@given(st.text(max_size=30), st.integers(1, 40), st.booleans())
def test_sized_text_takes_exactly_its_width(said: str, width: int, right: bool) -> None:
    assert width_of(sized(clean(said), width, right=right)) == width


def test_a_cut_is_seen() -> None:
    assert sized("kube-controller-manager", 10) == "kube-cont…"
    assert sized("12", 4, right=True) == "  12"
