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
    PLAN = "At a plan"
    RUN = "At a run"
    ENDED = "At a run that is over"
    HISTORY = "At runs"
    SPLIT = "On a screen of steps"
    TABLE = "In a table"
    TEXT = "In a text"
    OVERLAY = "In a window over the dashboard"
    FINDING = "At a finding"
    FORM = "In a form"
    YES_NO = "At a question"
    SECRET = "At a password"
    TYPED = "At a question that wants a name"
    HOST = "At a host"
    LOGS = "At journals"
    JOURNAL = "In a journal"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `keys` as Textual writes them, comma-separated; `shown` as a person reads them.

    `label` stands in the footer when `rank` is not 0: the lower the rank the longer it stays when there is little room.
    A key without `help` is told by another's. One that `changes` hosts is hidden where that is refused.
    """

    keys: str
    action: str
    shown: str
    label: str
    help: str
    scope: Scope
    rank: int = 0
    priority: bool = False
    changes: bool = False


PANE_KEYS = "12345678"

EVERYWHERE = (
    Key("question_mark,f1", "app.help", "?", "help", "The keys of the screen this is asked on", Scope.EVERYWHERE, 1),
    Key("q", "app.quit", "q", "quit", "Leave the console; nothing on the hosts stops", Scope.EVERYWHERE, 2),
    Key("ctrl+p,colon", "app.palette", "ctrl+p :", "palette", "Find a command by typing", Scope.EVERYWHERE, 9),
    Key("R", "app.show_run", "R", "run", "The run under way, or the last one", Scope.EVERYWHERE),
    Key("T", "app.next_theme", "T", "theme", "The next theme", Scope.EVERYWHERE),
    Key("ctrl+r", "app.reload_theme", "ctrl+r", "reload theme", "Read the theme's file again", Scope.EVERYWHERE),
)

DASHBOARD = (
    Key("tab", "next_pane", "tab", "next pane", "To the next pane", Scope.DASHBOARD, 6),
    Key("shift+tab", "previous_pane", "shift+tab", "", "To the pane before", Scope.DASHBOARD),
    Key("1", "pane(1)", "1 - 8", "panes", "To the pane of that number", Scope.DASHBOARD, 8),
    *(Key(digit, f"pane({digit})", digit, "", "", Scope.DASHBOARD) for digit in PANE_KEYS[1:]),
    Key("a", "app.actions", "a", "actions", "Actions, those for the row first", Scope.DASHBOARD, 4, changes=True),
    Key("l", "app.journal", "l", "journal", "The journal of the row's host, followed", Scope.DASHBOARD, 8),
    Key("L", "app.journal(True)", "L", "", "The journals of all hosts, interleaved", Scope.DASHBOARD),
    Key("s", "app.shell", "s", "shell", "A shell on the row's host", Scope.DASHBOARD, 9, changes=True),
    Key("f", "only('findings')", "f", "findings", "Findings: what is wrong, why, what helps", Scope.DASHBOARD, 7),
    Key("e", "only('events')", "e", "events", "Events: everything that changed since start", Scope.DASHBOARD, 8),
    Key("c", "only('certificates')", "c", "certs", "Certificates: the next to expire first", Scope.DASHBOARD, 8),
    Key("h", "app.history", "h", "runs", "The runs there were: open one, carry one on", Scope.DASHBOARD, 8),
    Key("slash", "filter", "/", "filter", "Show only rows that hold a text; empty shows all", Scope.DASHBOARD, 5),
    Key("z", "zoom", "z", "zoom", "The pane and all about its row on the whole screen", Scope.DASHBOARD, 5),
    Key("escape", "back", "esc", "", "Leave the filter, then the single pane", Scope.DASHBOARD),
)

LOGS = (
    Key("tab,shift+tab", "other", "tab", "facts, journal", "From the facts to the journal and back", Scope.HOST, 1),
    Key("a", "app.actions", "a", "actions", "Actions, those for this host first", Scope.HOST, 2, changes=True),
    Key("s", "app.shell", "s", "shell", "A shell on this host", Scope.HOST, 2, changes=True),
    Key("slash", "filter", "/", "filter", "Show only lines that hold a text, and mark it", Scope.LOGS, 1),
    Key("S", "save", "S", "save", "Save the lines shown to a file here", Scope.LOGS, 2),
    Key("escape,q", "leave", "esc", "back", "Leave the filter, then the journal", Scope.LOGS, 3),
    Key("question_mark,f1", "app.help", "?", "help", "The keys of this screen", Scope.LOGS, 4),
    Key("up,k", "scroll(-1)", "↑ k", "older", "One entry back; the view stays there", Scope.JOURNAL, 6),
    Key("down,j", "scroll(1)", "↓ j", "newer", "One entry on", Scope.JOURNAL, 6),
    Key("pageup,ctrl+b", "page(-1)", "pgup", "", "A page back", Scope.JOURNAL),
    Key("pagedown,space,ctrl+f", "page(1)", "pgdn", "", "A page on", Scope.JOURNAL),
    Key("home,g", "edge(-1)", "home g", "", "To the oldest entry kept", Scope.JOURNAL),
    Key("end,G", "edge(1)", "end G", "follow", "To the newest, and follow", Scope.JOURNAL, 5),
)

STEPS = (
    Key("r", "carry_out", "r", "run", "Carry the plan out, after one more question", Scope.PLAN, 1, changes=True),
    Key("t", "teach", "t", "teach me", "Tell each step in plain words, and wait for a key before it", Scope.PLAN, 2),
    Key("p", "pause", "p", "pause", "Hold every step not begun yet; again: let all go on", Scope.RUN, 1),
    Key("n", "next", "n", "next", "Let the step that is held begin, and hold the one after", Scope.RUN, 2),
    Key("t", "teach", "t", "teach me", "Tell each step in plain words, and wait for a key before it", Scope.RUN, 4),
    Key("s", "stop", "s", "stop", "Start no further step; again: leave those under way", Scope.RUN, 1),
    Key("w", "outcome", "w", "outcome", "What came of it, and what changed", Scope.ENDED, 1),
    Key("F", "follow", "F", "follow", "Let the cursor follow the step under way", Scope.RUN, 4),
    Key(
        "r",
        "carry_on",
        "r",
        "carry on",
        "Carry on a run that stopped or was broken off",
        Scope.HISTORY,
        1,
        changes=True,
    ),
    Key("u", "undo", "u", "take back", "Plan what takes a run back, newest step first", Scope.HISTORY, 1, changes=True),
    Key("escape,q", "leave", "esc", "back", "Back; a run goes on", Scope.SPLIT, 2),
    Key("tab,shift+tab", "other", "tab", "text", "From the table to the text and back", Scope.SPLIT, 5),
    Key("question_mark,f1", "app.help", "?", "help", "The keys of this screen", Scope.SPLIT, 3),
)

TABLE = (
    Key("enter", "choose", "enter", "details", "All that is known of the row, and why", Scope.TABLE, 3),
    Key("down,j", "cursor(1)", "↓ j", "", "One row down", Scope.TABLE),
    Key("up,k", "cursor(-1)", "↑ k", "", "One row up", Scope.TABLE),
    Key("pagedown,ctrl+f", "page(1)", "pgdn", "", "A page down", Scope.TABLE),
    Key("pageup,ctrl+b", "page(-1)", "pgup", "", "A page up", Scope.TABLE),
    Key("home,g", "edge(-1)", "home g", "", "To the first row", Scope.TABLE),
    Key("end,G", "edge(1)", "end G", "", "To the last row", Scope.TABLE),
    Key("o", "order", "o", "sort", "Sort by the next column, up, then down, then not", Scope.TABLE, 9),
    Key("y", "copy", "y", "copy", "Copy the row to the clipboard", Scope.TABLE, 9),
)

TEXT = (
    Key("down,j", "scroll(1)", "↓ j", "scroll", "One line down", Scope.TEXT, 6),
    Key("up,k", "scroll(-1)", "↑ k", "", "One line up", Scope.TEXT),
    Key("pagedown,space,ctrl+f", "page(1)", "space", "", "A page down", Scope.TEXT),
    Key("pageup,ctrl+b", "page(-1)", "pgup", "", "A page up", Scope.TEXT),
    Key("home,g", "edge(-1)", "home g", "", "To the top", Scope.TEXT),
    Key("end,G", "edge(1)", "end G", "", "To the end", Scope.TEXT),
    Key("y", "copy", "y", "copy", "Copy the text to the clipboard", Scope.TEXT, 9),
)

WINDOWS = (
    Key("escape,q", "close", "esc", "back", "Close this window", Scope.OVERLAY, 1),
    Key("question_mark,f1", "app.help", "?", "help", "The keys of this window", Scope.OVERLAY, 4),
    Key("f1", "app.help", "f1", "help", "The keys of this form", Scope.FORM, 5),
    Key("question_mark,f1", "app.help", "?", "help", "The keys of this question", Scope.YES_NO, 4),
    Key("f1", "app.help", "f1", "help", "The keys of this question", Scope.TYPED, 2),
    Key("m", "app.mend", "m", "mend", "Start the action that helps with the finding", Scope.FINDING, 1, changes=True),
    Key("enter", "submit", "enter", "plan", "Make the plan; nothing is changed by it", Scope.FORM, 1),
    Key("escape", "screen.leave", "esc", "back", "Back to the dashboard", Scope.FORM, 2),
    Key("right", "turn(1)", "← →", "choose", "Choose among what is offered; letters jump to it", Scope.FORM, 3),
    Key("left", "turn(-1)", "←", "", "", Scope.FORM),
    Key("down,tab", "move(1)", "↓ tab", "next", "To the next entry", Scope.FORM, 4),
    Key("up,shift+tab", "move(-1)", "↑", "", "To the entry before", Scope.FORM),
    Key("backspace,delete", "erase", "backspace", "", "Take back what was filled in", Scope.FORM),
    Key("y", "answer(True)", "y", "yes", "Yes", Scope.YES_NO, 1, priority=True),
    Key("n,escape,q", "answer(False)", "n", "no", "No", Scope.YES_NO, 1, priority=True),
    Key("enter", "submit", "enter", "send", "Send the password", Scope.SECRET, 1),
    Key("escape", "refuse", "esc", "leave it", "Give no password", Scope.SECRET, 1),
    Key("enter", "submit", "enter", "agree", "Agree, when the name is right", Scope.TYPED, 1),
    Key("escape", "refuse", "esc", "no", "Do not carry it out", Scope.TYPED, 1),
)

KEYS = (*EVERYWHERE, *DASHBOARD, *LOGS, *STEPS, *TABLE, *TEXT, *WINDOWS)


def keys_of(*scopes: Scope, read_only: bool = False) -> tuple[Key, ...]:
    """The keys that count in these scopes, in the registry's order; those that change nothing where `read_only`."""
    return tuple(key for key in KEYS if key.scope in scopes and not (read_only and key.changes))


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
    return _line(sorted(kept, key=lambda key: (key.rank, order[id(key)])))


def _line(keys: list[Key]) -> Line:
    parts: list[Cell] = []
    for key in keys:
        parts += [Cell(f" {key.shown}", Tone.ACCENT), Cell(f" {key.label} ", Tone.PLAIN)]
    return tuple(parts)
