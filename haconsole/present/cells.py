"""Pieces of text with a meaning: the parts of every table cell and every sentence on the screen."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec
from rich.cells import cell_len, chop_cells, set_cell_size

UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
ELLIPSIS = "…"
BREAKS = (" ", ",;|&", "/=:@", "-._")
"""Characters after which a line is broken, the best first."""


def clean(text: str) -> str:
    """`text` with control characters made visible: ESC as ``^[``, others as ``^X`` or ``\x9b``."""
    return UNSAFE.sub(_visible, text) if UNSAFE.search(text) else text


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in "\t\n\r":
        return " "
    if code < 0x20:
        return f"^{chr(code + 0x40)}"
    return "^?" if code == 0x7F else f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Tone(StrEnum):
    """The meaning of a piece of text; a theme gives each tone a colour and a style, but the words suffice."""

    PLAIN = "plain"
    MUTED = "muted"
    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    ACCENT = "accent"
    STALE = "stale"
    MARK = "mark"


class Cell(msgspec.Struct, frozen=True):
    """One line of text that is safe to print: control and direction characters in it are spelled out."""

    text: str
    tone: Tone = Tone.PLAIN

    def __post_init__(self) -> None:
        if UNSAFE.search(self.text):
            msgspec.structs.force_setattr(self, "text", clean(self.text))


SIGNS = ("● ", "✖ ", "▲ ", "◆ ", "★ ", "? ")
"""First characters of cells that show a current state."""


def remembered(cell: Cell) -> Cell:
    """The cell of a value that is not known now: a question mark for its sign, and no colour that means good or bad."""
    sign = next((sign for sign in SIGNS if cell.text.startswith(sign)), None)
    return Cell(cell.text if sign is None else f"? {cell.text.removeprefix(sign)}", Tone.STALE)


Line = tuple[Cell, ...]
"""Cells side by side, without separators between them."""


def width_of(text: str) -> int:
    """Terminal cells that `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def sized(text: str, width: int, *, right: bool = False, both_ends: bool = False) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis that shows the loss.

    It is cut at its end; with `both_ends` within, so that a third of the width shows its start.
    """
    length = width_of(text)
    if length <= width:
        return " " * (width - length) + text if right else text + " " * (width - length)
    if width <= 0:
        return ""
    end = "" if not both_ends else _end_of(text, (width - 1) * 2 // 3)
    return set_cell_size(text, width - 1 - width_of(end)) + ELLIPSIS + end


def _end_of(text: str, width: int) -> str:
    """The last characters that take at most `width` cells."""
    end = text[len(text) - width :] if width else ""
    while width_of(end) > width:
        end = end[1:]
    return end


def wrapped(text: str, width: int) -> tuple[str, ...]:
    """`text` in lines of at most `width` cells, broken at blanks, and within a word only when no line holds it."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        first, *more = break_lines(word, width)
        if line and width_of(line) + 1 + width_of(first) > width:
            lines.append(line)
            line = first
        else:
            line = f"{line} {first}" if line else first
        for piece in more:
            lines.append(line)
            line = piece
    lines.append(line)
    return tuple(lines)


def break_lines(text: str, width: int) -> tuple[str, ...]:
    """`text` in pieces of at most `width` cells, complete except for a blank that would begin a piece.

    A piece ends after a blank if there is one, otherwise after a mark that separates lists, paths and names, if that
    fills at least a third of the line; otherwise where the line is full.
    """
    pieces: list[str] = []
    while width_of(text) > width:
        line = chop_cells(text[: 4 * width], width)[0]
        end = len(line) if text[len(line)] == " " else _break_in(line)
        pieces.append(text[:end])
        text = text[end:].removeprefix(" ")
    return (*pieces, text)


def _break_in(line: str) -> int:
    least = len(line) - len(line.lstrip()) + len(line) // 3
    ends = (max(line.rfind(mark) for mark in marks) + 1 for marks in BREAKS)
    return next((end for end in ends if end > least), len(line))


def padded(cell: Cell, width: int, *, right: bool = False, both_ends: bool = False) -> Cell:
    return Cell(sized(cell.text, width, right=right, both_ends=both_ends), cell.tone)


def text_of(line: Line) -> str:
    return "".join(cell.text for cell in line)


UNKNOWN = Cell("?", Tone.UNKNOWN)
NOTHING = Cell("–", Tone.MUTED)
