"""The style of each tone and part of a widget, read from a theme once instead of for every widget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.style import Style

from haconsole.present.cells import Tone

if TYPE_CHECKING:
    from textual.theme import Theme

Inks = Mapping[str, Style]
"""Styles by name: ``good`` and the other tones, ``chip-good`` for a state on the bar, ``head`` and the other parts."""

CHIPS = frozenset({Tone.GOOD, Tone.WARNING, Tone.CRITICAL, Tone.UNKNOWN})


def inks_of(theme: Theme) -> dict[str, Style]:
    """Every ink of a theme made by `theming`."""
    variables = theme.variables
    inks = {
        str(tone): _ink(variables[f"tone-{tone}"], None, variables[f"tone-{tone}-style"])
        for tone in Tone
        if _inked(tone)
    }
    inks[Tone.PLAIN] = Style()
    inks[Tone.MARK] = _ink(variables["cursor-text"], variables["cursor"], variables["tone-mark-style"])
    for tone in CHIPS:
        inks[f"chip-{tone}"] = _ink(theme.background, variables[f"tone-{tone}"], variables["chip-style"])
    inks["head"] = _ink(None, variables["head"], variables["head-style"])
    inks["head-focused"] = _ink(None, variables["head-focused"], variables["head-focused-style"])
    inks["titles"] = _ink(variables["tone-muted"], None, "none")
    inks["cursor"] = _ink(variables["cursor-text"], variables["cursor"], variables["cursor-style"])
    return inks


def _inked(tone: Tone) -> bool:
    return tone not in (Tone.PLAIN, Tone.MARK)


def _ink(colour: str | None, ground: str | None, style: str) -> Style:
    """`style` is written as in a theme's file; a colour of None is taken from the layer below."""
    from textual.color import Color

    color = Color.parse(colour).rich_color if colour else None
    bgcolor = Color.parse(ground).rich_color if ground else None
    return Style(color=color, bgcolor=bgcolor) + Style.parse(style)
