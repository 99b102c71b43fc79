"""Control characters from hosts never reach the terminal, and text takes exactly the cells it is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haconsole.present.cells import Cell, break_lines, clean, sized, width_of, wrapped


@pytest.mark.parametrize(
    ("message", "output"),
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
def test_what_a_terminal_would_obey_is_spelled_out(message: str, output: str) -> None:
    assert clean(message) == output
    assert Cell(message).text == output


@given(st.text(max_size=40))
def test_no_control_character_survives(text: str) -> None:
    output = Cell(text).text
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in output)
    assert clean(output) == output


@given(st.text(max_size=30), st.integers(1, 40), st.booleans(), st.booleans())
def test_sized_text_takes_exactly_its_width(text: str, width: int, right: bool, both_ends: bool) -> None:
    assert width_of(sized(clean(text), width, right=right, both_ends=both_ends)) == width


def test_the_file_of_a_long_path_stays_readable() -> None:
    assert sized("cp1:/etc/kubernetes/pki/etcd/peer.crt", 20, both_ends=True) == "cp1:/et…tcd/peer.crt"


def test_a_cut_is_seen() -> None:
    assert sized("kube-controller-manager", 10) == "kube-cont…"
    assert sized("12", 4, right=True) == "  12"


@given(st.text("ab主 ,=/-", max_size=60), st.integers(8, 30))
def test_a_broken_line_keeps_everything_and_fits(text: str, width: int) -> None:
    pieces = break_lines(text, width)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(piece) <= width for piece in pieces)


@given(st.text("ab主 ,=/-", max_size=60), st.integers(8, 30))
def test_wrapped_text_keeps_everything_but_blanks_and_fits(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width_of(line) <= width for line in lines)


def test_lines_are_broken_where_words_end() -> None:
    members = "store1=https://192.0.2.31:2380,store2=https://192.0.2.32:2380,store3=https://192.0.2.33:2380"
    assert break_lines(f"ETCD_INITIAL_CLUSTER={members}", 60) == (
        "ETCD_INITIAL_CLUSTER=store1=https://192.0.2.31:2380,",
        "store2=https://192.0.2.32:2380,",
        "store3=https://192.0.2.33:2380",
    )
    assert break_lines("    check check-ssl ca-file /etc/kubernetes/pki/ca.crt", 40) == (
        "    check check-ssl ca-file ",
        "/etc/kubernetes/pki/ca.crt",
    )
    assert wrapped("write /var/lib/haconsole/backups/2026-03-01.db here", 30) == (
        "write",
        "/var/lib/haconsole/backups/",
        "2026-03-01.db here",
    )
    assert break_lines("given up until removed", 14) == ("given up until", "removed")
    assert break_lines("x" * 20, 8) == ("x" * 8, "x" * 8, "x" * 4)
