"""The bytes that a console would send to a terminal, and the screen that the terminal would show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from rich.console import Console
from textual.strip import Strip

from haconsole.ui.app import ConsoleApp

SGR = re.compile(r"\x1b\[([0-9;]*)m")
STYLES = {"1": "bold", "2": "dim", "3": "italic", "4": "underline", "7": "reverse"}


@dataclass(frozen=True)
class Look:
    """The look of a character: colours as their SGR codes (empty: the terminal's own), and styles."""

    ink: str = ""
    ground: str = ""
    styles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Piece:
    """Characters side by side that look the same."""

    text: str
    look: Look


def escaped_lines(app: ConsoleApp, colours: Literal["standard", "256", "truecolor"] = "standard") -> list[str]:
    """The lines of the screen with their escape sequences, for a terminal of so many colours."""
    terminal = Console(file=StringIO(), force_terminal=True, color_system=colours, _environ={})
    return [_rendered(strip, terminal) for strip in app.screen._compositor.render_strips()]


def _rendered(strip: Strip, terminal: Console) -> str:
    """The strip for this terminal: styles remember the codes they had for the last one."""
    for segment in strip:
        if segment.style is not None:
            segment.style._ansi = None
    return Strip(list(strip), strip.cell_length).render(terminal)


def pieces_of(lines: list[str]) -> list[Piece]:
    """The pieces of text that a terminal makes of them."""
    return [piece for line in lines for piece in _pieces(line)]


def looks(pieces: list[Piece], *beginnings: str) -> list[Look]:
    """The look of the first piece that begins with each of these."""
    return [next(piece.look for piece in pieces if piece.text.strip().startswith(text)) for text in beginnings]


def _pieces(line: str) -> list[Piece]:
    pieces, look, at = [], Look(), 0
    for result in SGR.finditer(line):
        if result.start() > at:
            pieces.append(Piece(line[at : result.start()], look))
        look, at = _after(look, result[1]), result.end()
    if at < len(line):
        pieces.append(Piece(line[at:], look))
    return pieces


def _after(look: Look, codes: str) -> Look:
    ink, ground, styles = look.ink, look.ground, set(look.styles)
    rest = iter(codes.split(";"))
    for code in rest:
        number = int(code or 0)
        if number == 0:
            ink, ground, styles = "", "", set()
        elif code in STYLES:
            styles.add(STYLES[code])
        elif number in (38, 48):
            kind = next(rest)
            output = ";".join([code, kind, *(next(rest) for _ in range(1 if kind == "5" else 3))])
            ink, ground = (output, ground) if number == 38 else (ink, output)
        elif 30 <= number <= 39 or 90 <= number <= 97:
            ink = "" if number == 39 else code
        elif 40 <= number <= 49 or 100 <= number <= 107:
            ground = "" if number == 49 else code
    return Look(ink, ground, frozenset(styles))
