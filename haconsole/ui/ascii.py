"""Screens for terminals that show ASCII only."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from haconsole.present.ascii import ascii_text


class AsciiOnly(LineFilter):
    """The last filter before the terminal: only ASCII passes, from any widget."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(ascii_text(text), style, control) for text, style, control in segments]
