"""Signs for terminals and files whose encoding has ASCII only."""

from __future__ import annotations

SIGNS = str.maketrans(
    {
        "◀": "<", "▶": ">", "‖": "=", "“": "\"", "”": "\"",
        "●": "*", "○": "o", "▲": "!", "✖": "x", "★": "^", "◆": "@", "▸": ">", "▼": "v", "■": "#", "…": "~", "–": "-",
        "—": "-", "·": ".", "→": ">", "←": "<", "↑": "^", "↓": "v", "✔": "+", "│": "|", "┃": "|", "─": "-", "━": "-",
        "╭": "+", "╮": "+", "╰": "+", "╯": "+", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+",
        "┬": "+", "┴": "+", "┼": "+", "▌": "|",
        "▐": "|", "▁": "_", "▔": "-", "▎": "|", "▏": "|", "▕": "|", "▒": "%", "▓": "X", "▊": "|", "█": "#", "▂": ",",
        "▃": "-", "▄": "~", "▅": "=", "▆": "+", "▇": "*",
    }
)  # fmt: skip


def ascii_text(text: str) -> str:
    """`text` with every sign replaced by an ASCII one of the same width; signs without one become ``?``."""
    return text if text.isascii() else text.translate(SIGNS).encode("ascii", "replace").decode("ascii")


def is_ascii(encoding: str | None) -> bool:
    """Whether an output of this encoding can show ASCII only."""
    return (encoding or "ascii").lower().replace("_", "-") not in ("utf-8", "utf8", "utf-16", "utf-32")
