"""Every key of the console, in one place: bindings, footer and help are made from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType

from haconsole.ui.present.cells import Cell, Line, Tone, text_of, width_of


class Scope(StrEnum):
    """Where a key counts; the values head the help screen's sections."""

    EVERYWHERE = "Everywhere"
    DASHBOARD = "Dashboard"
    TABLE = "In a table"
    TEXT = "In a text"
    OVERLAY = "In a window over the dashboard"
    YES_NO = "At a question"
    SECRET = "At a password"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `keys` as Textual writes them, comma-separated; `shown` as a person reads them.

    `label` stands in the footer when `rank` is not 0: the lower the rank the longer it stays when there is little room.
    A key without `help` is told by another's.
    """

    keys: str
    action: str
    shown: str
    label: str
    help: str
    scope: Scope
    rank: int = 0
    priority: bool = False


PANE_KEYS = "12345678"

KEYS = (
    Key("question_mark,f1", "help", "?", "help", "This help, for the screen it was asked on", Scope.EVERYWHERE, 1),
    Key("q", "quit", "q", "quit", "Leave the console; nothing on the hosts stops", Scope.EVERYWHERE, 2),
    Key("ctrl+p,colon", "palette", "ctrl+p :", "palette", "Find a command by typing", Scope.EVERYWHERE, 9),
    Key("T", "next_theme", "T", "theme", "The next theme", Scope.EVERYWHERE),
    Key("ctrl+r", "reload_theme", "ctrl+r", "reload theme", "Read the theme's file again", Scope.EVERYWHERE),
    Key("tab", "next_pane", "tab", "next pane", "To the next pane; shift+tab to the one before", Scope.DASHBOARD, 5),
    Key("shift+tab", "previous_pane", "shift+tab", "", "To the pane before", Scope.DASHBOARD),
    Key("1", "pane(1)", "1 - 8", "panes", "To the pane of that number", Scope.DASHBOARD, 7),
    *(Key(digit, f"pane({digit})", digit, "", "", Scope.DASHBOARD) for digit in PANE_KEYS[1:]),
    Key("f", "only('findings')", "f", "findings", "Findings: what is wrong, why, and what helps", Scope.DASHBOARD, 6),
    Key("e", "only('events')", "e", "events", "Events: everything that changed since start", Scope.DASHBOARD, 8),
    Key("c", "only('certificates')", "c", "certs", "Certificates: the next to expire first", Scope.DASHBOARD, 8),
    Key("slash", "filter", "/", "filter", "Show only rows that hold a text; empty shows all", Scope.DASHBOARD, 5),
    Key("escape", "back", "esc", "", "Leave the filter, then the single pane", Scope.DASHBOARD),
    Key(
        "z", "zoom", "z", "zoom", "The pane and all about its row on the whole screen; again: back", Scope.DASHBOARD, 4
    ),
    Key("enter", "choose", "enter", "details", "All that is known of the row, and why", Scope.TABLE, 3),
    Key("down,j", "cursor(1)", "↓ j", "", "One row down", Scope.TABLE),
    Key("up,k", "cursor(-1)", "↑ k", "", "One row up", Scope.TABLE),
    Key("pagedown,ctrl+f", "page(1)", "pgdn", "", "A page down", Scope.TABLE),
    Key("pageup,ctrl+b", "page(-1)", "pgup", "", "A page up", Scope.TABLE),
    Key("home,g", "edge(-1)", "home g", "", "To the first row", Scope.TABLE),
    Key("end,G", "edge(1)", "end G", "", "To the last row", Scope.TABLE),
    Key("o", "order", "o", "sort", "Sort by the next column, up, then down, then not", Scope.TABLE, 9),
    Key("y", "copy", "y", "copy", "Copy the row to the clipboard", Scope.TABLE, 9),
    Key("down,j", "scroll(1)", "↓ j", "scroll", "One line down", Scope.TEXT, 6),
    Key("up,k", "scroll(-1)", "↑ k", "", "One line up", Scope.TEXT),
    Key("pagedown,space,ctrl+f", "page(1)", "space", "", "A page down", Scope.TEXT),
    Key("pageup,ctrl+b", "page(-1)", "pgup", "", "A page up", Scope.TEXT),
    Key("home,g", "edge(-1)", "home g", "", "To the top", Scope.TEXT),
    Key("end,G", "edge(1)", "end G", "", "To the end", Scope.TEXT),
    Key("y", "copy", "y", "copy", "Copy the text to the clipboard", Scope.TEXT, 9),
    Key("escape,q", "close", "esc", "back", "Close this window", Scope.OVERLAY, 1),
    Key("y", "answer(True)", "y", "yes", "Yes", Scope.YES_NO, 1, priority=True),
    Key("n,escape,q", "answer(False)", "n", "no", "No", Scope.YES_NO, 1, priority=True),
    Key("enter", "submit", "enter", "send", "Send the password", Scope.SECRET, 1),
    Key("escape", "refuse", "esc", "leave it", "Give no password", Scope.SECRET, 1),
)


def keys_of(*scopes: Scope) -> tuple[Key, ...]:
    """The keys that count in these scopes, in the registry's order."""
    return tuple(key for key in KEYS if key.scope in scopes)


def bindings(*scopes: Scope) -> list[BindingType]:
    """Textual's bindings for these scopes, for a class's BINDINGS."""
    return [
        Binding(key.keys, key.action, key.label or key.help, show=False, priority=key.priority)
        for key in keys_of(*scopes)
    ]


def footer_line(keys: Iterable[Key], width: int) -> Line:
    """The keys that count here, as many as fit in `width` cells, the most needed kept longest."""
    wanted = sorted((key for key in keys if key.rank), key=lambda key: key.rank)
    kept: list[Key] = []
    for key in wanted:
        if width_of(text_of(_line([*kept, key]))) <= width:
            kept.append(key)
    order = {id(key): index for index, key in enumerate(KEYS)}
    return _line(sorted(kept, key=lambda key: (-key.rank, order[id(key)])))


def _line(keys: list[Key]) -> Line:
    parts: list[Cell] = []
    for key in keys:
        parts += [Cell(f" {key.shown}", Tone.ACCENT), Cell(f" {key.label} ", Tone.PLAIN)]
    return tuple(parts)
