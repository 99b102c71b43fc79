"""The keys that are active on a screen, and its last line, which names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace
from textual.binding import ActiveBinding

from haconsole.present.cells import Cell, Line, Tone, text_of, width_of
from haconsole.ui.key import Key, Scope
from haconsole.ui.keys import KEYS

CLOSED = (Scope.SPLIT, Scope.LOGS, Scope.FORM, Scope.GRAPH, Scope.PATH)
"""Scopes of screens with so many keys of their own that the console's are not named there."""
ARROWS = {"↑": "up", "↓": "down", "←": "left", "→": "right"}


def active_keys(active: Mapping[str, ActiveBinding], *, ascii_only: bool = False) -> tuple[Key, ...]:
    """The keys to name on a screen, from its active bindings, in the registry's order.

    With `ascii_only` arrows are words: the ASCII sign of an arrow down is a v, which is another key.
    """
    keys = _active(active)
    if not ascii_only:
        return keys
    return tuple(replace(key, text=" ".join(ARROWS.get(word, word) for word in key.text.split())) for key in keys)


def _active(active: Mapping[str, ActiveBinding]) -> tuple[Key, ...]:
    places = {int(each.binding.id) for each in active.values() if each.enabled and each.binding.id}
    keys = [KEYS[place] for place in sorted(places)]
    scopes = {key.scope for key in keys}
    if Scope.FILTER in scopes:
        return tuple(key for key in keys if key.scope is Scope.FILTER)
    scopes_to_hide = (Scope.EVERYWHERE, Scope.BESIDE) if scopes & set(CLOSED) else ()
    return tuple(key for key in keys if key.scope not in scopes_to_hide)


def footer_line(keys: Iterable[Key], width: int) -> Line:
    """The active keys, as many as fit in `width` cells, the most important kept longest."""
    return _line(footer_keys(keys, width))


def key_at(keys: Iterable[Key], width: int, x: int) -> Key | None:
    """The key of the footer at `x` cells from its left edge; of two named together the one whose sign is there."""
    all_keys = tuple(keys)
    end = 0
    for key in footer_keys(all_keys, width):
        start, end = end, end + width_of(text_of(_line([key])))
        if x < end:
            sign = _word_at(f" {key.text}", x - start)
            return next((each for each in all_keys if each.scope is key.scope and each.text == sign), key)
    return None


def _word_at(text: str, x: int) -> str:
    """The word of the text at that cell; empty on a blank and beside the text."""
    if not 0 <= x < len(text) or text[x] == " ":
        return ""
    return text[: x + 1].rpartition(" ")[2] + text[x + 1 :].partition(" ")[0]


def footer_keys(keys: Iterable[Key], width: int) -> list[Key]:
    """The keys of the footer by their rank; `keys` are in the registry's order."""
    keys_that_fit: list[Key] = []
    for key in sorted((key for key in keys if key.rank), key=lambda key: key.rank):
        needed = width_of(text_of(_line([key])))
        if needed <= width:
            keys_that_fit.append(key)
            width -= needed
    return keys_that_fit


def _line(keys: list[Key]) -> Line:
    parts: list[Cell] = []
    for key in keys:
        parts += [Cell(f" {key.text}", Tone.ACCENT), Cell(f" {key.label} ", Tone.PLAIN)]
    return tuple(parts)
