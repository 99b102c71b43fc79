"""A theme as its YAML file holds it: every colour and style the console paints with, checked."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Colour = Annotated[
    str,
    Meta(
        pattern=r"^(#[0-9a-fA-F]{6}|ansi_[a-z_]+)$",
        description="a colour like #1c2532, or one of the terminal's own like ansi_red",
    ),
]
Native = Annotated[
    str, Meta(pattern=r"^ansi_[a-z_]+$", description="one of the terminal's sixteen colours, like ansi_bright_red")
]
Style = Annotated[
    str,
    Meta(
        pattern=r"^(none|(bold|dim|italic|underline|reverse)( (bold|dim|italic|underline|reverse))*)$",
        description="none, or one or more of the words bold, dim, italic, underline, reverse",
    ),
]


class _ThemePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a theme file's parts."""


class Colours(_ThemePart, frozen=True, kw_only=True):
    """Every colour the console uses; `bar` is the screen's first line, `head` the first line of a pane."""

    background: Colour
    foreground: Colour
    head: Colour
    head_focused: Colour
    bar: Colour
    bar_text: Colour
    cursor: Colour
    cursor_text: Colour
    muted: Colour
    accent: Colour
    good: Colour
    warning: Colour
    critical: Colour
    unknown: Colour
    stale: Colour


class Styles(_ThemePart, frozen=True, kw_only=True):
    """Text styles beside the colours, for terminals without colours; `chip` is a state on the bar."""

    head: Style = "bold"
    head_focused: Style = "bold"
    bar: Style = "none"
    chip: Style = "bold"
    cursor: Style = "none"
    muted: Style = "none"
    accent: Style = "bold"
    good: Style = "none"
    warning: Style = "none"
    critical: Style = "bold"
    unknown: Style = "none"
    stale: Style = "none"


ColourName = Literal[
    "background",
    "foreground",
    "head",
    "head_focused",
    "bar",
    "bar_text",
    "cursor",
    "cursor_text",
    "muted",
    "accent",
    "good",
    "warning",
    "critical",
    "unknown",
    "stale",
]
SIXTEEN_DARK = Colours(
    background="ansi_black",
    foreground="ansi_bright_white",
    head="ansi_black",
    head_focused="ansi_blue",
    bar="ansi_white",
    bar_text="ansi_black",
    cursor="ansi_cyan",
    cursor_text="ansi_black",
    muted="ansi_white",
    accent="ansi_bright_cyan",
    good="ansi_bright_green",
    warning="ansi_bright_yellow",
    critical="ansi_bright_red",
    unknown="ansi_bright_magenta",
    stale="ansi_white",
)
SIXTEEN_LIGHT = Colours(
    background="ansi_bright_white",
    foreground="ansi_black",
    head="ansi_bright_white",
    head_focused="ansi_bright_cyan",
    bar="ansi_blue",
    bar_text="ansi_bright_white",
    cursor="ansi_blue",
    cursor_text="ansi_bright_white",
    muted="ansi_bright_black",
    accent="ansi_blue",
    good="ansi_green",
    warning="ansi_yellow",
    critical="ansi_red",
    unknown="ansi_magenta",
    stale="ansi_bright_black",
)
"""The colours for terminals of sixteen colours: the nearest of theirs would make different states look alike."""


class ThemeFile(_ThemePart, frozen=True, kw_only=True):
    """A theme as in its file. `native` leaves the sixteen colours to the terminal.

    `sixteen` are the differences, on a terminal of sixteen colours, from the colours that dark or light themes have
    there.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    summary: Annotated[str, Meta(max_length=100)] = ""
    dark: bool = True
    native: bool = False
    colours: Colours
    styles: Styles = Styles()
    sixteen: dict[ColourName, Native] = {}

    def in_sixteen(self) -> ThemeFile:
        """The theme as a terminal of sixteen colours can show it."""
        if self.native:
            return self
        usual = SIXTEEN_DARK if self.dark else SIXTEEN_LIGHT
        styles = msgspec.structs.replace(self.styles, head="bold underline")
        colours = msgspec.structs.replace(usual, **self.sixteen)
        return msgspec.structs.replace(self, native=True, colours=colours, styles=styles)
