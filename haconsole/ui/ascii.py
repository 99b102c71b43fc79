"""Screens for terminals that show ASCII only."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

SIGNS = str.maketrans(
    {
        "◀": "<", "▶": ">", "‖": "=", "“": "\"", "”": "\"",
        "●": "*", "○": "o", "▲": "!", "✖": "x", "★": "*", "◆": "@", "▸": ">", "▼": "v", "■": "#", "…": "~", "–": "-",
        "—": "-", "·": ".", "→": ">", "←": "<", "↑": "^", "↓": "v", "✔": "+", "│": "|", "┃": "|", "─": "-", "━": "-",
        "╭": "+", "╮": "+", "╰": "+", "╯": "+", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+", "▌": "|",
        "▐": "|", "▁": "_", "▔": "-", "▎": "|", "▏": "|", "▕": "|", "▊": "|", "█": "#",
    }
)  # fmt: skip


def ascii_text(text: str) -> str:
    """`text` with every sign replaced by an ASCII one of the same width; what has none becomes ``?``."""
    return text if text.isascii() else text.translate(SIGNS).encode("ascii", "replace").decode("ascii")


class AsciiOnly(LineFilter):
    """The last thing before the terminal: nothing but ASCII passes, whichever widget drew it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(ascii_text(text), style, control) for text, style, control in segments]


def terminal_is_ascii(encoding: str | None) -> bool:
    """Whether a terminal of this encoding can show more than ASCII."""
    return (encoding or "ascii").lower().replace("_", "-") not in ("utf-8", "utf8", "utf-16", "utf-32")
