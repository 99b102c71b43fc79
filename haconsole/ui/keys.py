"""Every key of the console, in one place: bindings, footer, palette and help are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from textual.actions import parse
from textual.binding import ActiveBinding, Binding, BindingType

from haconsole.present.cells import Cell, Line, Tone, text_of, width_of
from haconsole.ui.messages import (
    ChooseColumns,
    ControlReplay,
    FixFinding,
    FollowJournal,
    FreezeScreen,
    GoTo,
    NextTheme,
    OfferActions,
    OfferCommands,
    OfferResume,
    OpenShell,
    OpenText,
    PauseRun,
    PlanUndo,
    Quit,
    RefreshFacts,
    ReloadTheme,
    Request,
    ShowCommands,
    ShowGraphs,
    ShowKeys,
    ShowOnlyHost,
    ShowOutcome,
    ShowPath,
    ShowRun,
    ShowRuns,
    StopRun,
    TeachRun,
)


class Scope(StrEnum):
    """The scope of a key; the values are headings of the help screen."""

    BESIDE = "Dashboard beside a run"
    REPLAY = "Recording"
    ALONE = "Single pane, or a filter"
    FINDING = "Finding"
    FIXES = "Window of a finding"
    EVERYWHERE = "Everywhere"
    DASHBOARD = "Dashboard"
    PLAN = "Plan"
    HELD = "Paused run"
    RUN = "Run"
    ENDED = "Finished run"
    RESUMABLE = "Resumable run"
    HISTORY = "List of runs"
    COMMANDS = "List of commands"
    SPLIT = "List of steps"
    HOST = "Host"
    LOGS = "Journals"
    GRAPH = "Graphs"
    PATH = "Path of a request"
    OVERLAY = "Window over the dashboard"
    FORM = "Form"
    YES_NO = "Question"
    SECRET = "Password"
    TYPED = "Confirmation by name"
    REASON = "Reason to override a guardrail"
    FILTER = "While a filter is typed"
    COLUMNS = "Columns of a pane"
    TABLE = "Table"
    TEXT = "Text"
    JOURNAL = "Journal"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `keys` as Textual writes them, comma-separated; `text` as a person reads them.

    `action` is looked up where the key is bound; those of `_request` post a message to the controllers.
    `label` names it in the palette, and in the footer when `rank` is not 0: the lower the rank, the longer it stays
    there when there is little room. A key without `help` is described by another's on the help screen. One that
    `changes` hosts is hidden in read-only mode.
    """

    keys: str
    action: str
    text: str
    label: str
    help: str
    scope: Scope
    rank: int = 0
    priority: bool = False
    changes: bool = False


PANES = ("etcd", "VIP owner", "haproxy", "lease holders", "hosts", "findings", "events", "certificates", "nodes")
"""The targets of the keys 1, 2 …."""


def _request(kind: type[Request], *parameters: object) -> str:
    """The action that posts a request."""
    return f"app.request({', '.join(map(repr, (kind.__name__, *parameters)))})"


def _help(scope: Scope, of: str, rank: int, keys: str = "question_mark,f1") -> Key:
    """The key for help; in a text field only f1 is possible."""
    return Key(keys, _request(ShowKeys), "f1" if keys == "f1" else "?", "help", f"The keys of {of}", scope, rank)


def _teach(action: str, scope: Scope, rank: int) -> Key:
    help_text = "Explain each step, and wait for a key before it"
    return Key("t", action, "t", "teach me", help_text, scope, rank)


def _copy(scope: Scope, what: str) -> Key:
    return Key("y", "copy", "y", "copy", f"Copy the {what} to the clipboard", scope, 9)


def _through_screens(scope: Scope) -> tuple[Key, Key]:
    """Back and forward through the screens that were opened."""
    return (
        Key("less_than_sign", _request(GoTo, -1), "<", "earlier screen", "The screen that was open before", scope),
        Key("greater_than_sign", _request(GoTo, 1), ">", "later screen", "The screen that was open after it", scope),
    )


def _paging(scope: Scope, first: str, last: str, *, space: bool = True, follow: Key | None = None) -> tuple[Key, ...]:
    """A page down and up, and to both ends; `space` also pages down, `follow` replaces the way to the end."""
    on, footer = ("pagedown,space,ctrl+f", "pgdn space") if space else ("pagedown,ctrl+f", "pgdn")
    return (
        Key(on, "move('page', 1)", footer, "page down", "A page down", scope),
        Key("pageup,ctrl+b", "move('page', -1)", "pgup", "page up", "A page up", scope),
        Key("home,g", "move('end', -1)", "home g", first, f"To the {first}", scope),
        follow or Key("end,G", "move('end', 1)", "end G", last, f"To the {last}", scope),
    )


EVERYWHERE = (
    _help(Scope.EVERYWHERE, "the current screen", 1),
    Key("q", "app.quit", "q", "quit", "Close the console; nothing on the hosts stops", Scope.EVERYWHERE, 2),
    Key("ctrl+p,colon", _request(OfferCommands), ": ^p", "palette", "Find a command by name", Scope.EVERYWHERE, 8),
    Key("R", _request(ShowRun, True), "R", "run", "The current run", Scope.BESIDE, 1),
    Key("R", _request(ShowRun), "R", "run", "The current run, or the last one", Scope.EVERYWHERE),
    Key("P", _request(OpenText), "P", "pager", "This text, or a host's units and files, in $PAGER", Scope.EVERYWHERE),
    Key("E", _request(OpenText, True), "E", "editor", "A copy of the pager's text in $EDITOR", Scope.EVERYWHERE),
    *_through_screens(Scope.EVERYWHERE),
    Key("T", _request(NextTheme), "T", "theme", "The next theme", Scope.EVERYWHERE),
    Key(
        "ctrl+r",
        _request(RefreshFacts),
        "^r",
        "refresh",
        "Read all facts on all hosts again now",
        Scope.EVERYWHERE,
        9,
    ),
    Key("ctrl+t", _request(ReloadTheme), "^t", "reload theme", "Reload the theme's file", Scope.EVERYWHERE),
)

REPLAY = (
    Key("backslash", _request(ControlReplay, "pause"), "\\", "pause", "Stop here, or play again", Scope.REPLAY, 2),
    Key(
        "comma", _request(ControlReplay, "earlier"), ", .", "step", "Show the moment before, and pause", Scope.REPLAY, 2
    ),
    Key("full_stop", _request(ControlReplay, "later"), ".", "step on", "Show the next moment, and pause", Scope.REPLAY),
    Key(
        "left_curly_bracket",
        _request(ControlReplay, "event before"),
        "{ }",
        "event",
        "To the event before, and pause: a finding, an election, a VIP's move, a run",
        Scope.REPLAY,
        2,
    ),
    Key(
        "right_curly_bracket",
        _request(ControlReplay, "event after"),
        "}",
        "next event",
        "To the next event, and pause",
        Scope.REPLAY,
    ),
    Key("left_parenthesis", _request(ControlReplay, "slower"), "( )", "speed", "Half the speed", Scope.REPLAY, 3),
    Key("right_parenthesis", _request(ControlReplay, "faster"), ")", "faster", "Twice the speed", Scope.REPLAY),
)

DASHBOARD = (
    Key("tab", "step(1)", "tab", "next pane", "To the next pane", Scope.DASHBOARD, 6),
    Key("shift+tab", "step(-1)", "shift+tab", "previous pane", "To the previous pane", Scope.DASHBOARD),
    Key("1", "pane(1)", "1 - 9", "panes", "To the pane with this number", Scope.DASHBOARD, 8),
    *(
        Key(f"{n}", f"pane({n})", f"{n}", f"pane {n}: {of}", "", Scope.DASHBOARD)
        for n, of in enumerate(PANES, 1)
        if n > 1
    ),
    Key(
        "a",
        _request(OfferActions),
        "a",
        "actions",
        "Actions, those for the row first",
        Scope.DASHBOARD,
        4,
        changes=True,
    ),
    Key(
        "l",
        _request(FollowJournal),
        "l",
        "journal",
        "The log of the row's unit or container, followed",
        Scope.DASHBOARD,
        8,
    ),
    Key(
        "L",
        _request(FollowJournal, True),
        "L",
        "journals of all",
        "The journals of all hosts, interleaved",
        Scope.DASHBOARD,
        9,
    ),
    Key("s", _request(OpenShell), "s", "shell", "A shell on the row's host", Scope.DASHBOARD, 9, changes=True),
    Key("f", "only('findings')", "f", "findings", "Findings: problem, cause and fix", Scope.DASHBOARD, 7),
    Key(
        "e",
        "only('events')",
        "e",
        "events",
        "Events: all changes, also from before the console's start",
        Scope.DASHBOARD,
        8,
    ),
    Key("c", "only('certificates')", "c", "certs", "Certificates: the next to expire first", Scope.DASHBOARD, 8),
    Key("n", "only('nodes')", "n", "nodes", "Nodes: ready, cordoned, under pressure", Scope.DASHBOARD, 10),
    Key("v", _request(ShowGraphs), "v", "graphs", "States and figures over time", Scope.DASHBOARD, 9),
    Key("p", _request(ShowPath), "p", "path", "Path of a request: every edge, clients to etcd", Scope.DASHBOARD, 9),
    Key("h", _request(ShowRuns), "h", "runs", "The logged runs: open or resume one", Scope.DASHBOARD, 8),
    Key("C", _request(ShowCommands), "C", "commands", "Every command that was run on hosts", Scope.DASHBOARD, 9),
    Key(
        "slash",
        "screen.filter",
        "/",
        "filter",
        "Show only rows that match: a regular expression, !TEXT inverse, COLUMN=TEXT",
        Scope.DASHBOARD,
        5,
    ),
    Key(
        "space",
        _request(FreezeScreen),
        "space",
        "freeze",
        "Freeze all screens, or show new data again",
        Scope.DASHBOARD,
        10,
    ),
    Key("H", _request(ShowOnlyHost), "H", "only host", "Only the row's host, on all screens", Scope.DASHBOARD, 10),
    Key("x", "wrong", "x", "only wrong", "Only rows with something wrong or unknown", Scope.DASHBOARD, 10),
    Key("w", _request(ChooseColumns), "w", "columns", "Choose the pane's columns; remembered", Scope.DASHBOARD, 10),
    Key("z", "only", "z", "zoom", "The pane and the details of its row on the entire screen", Scope.DASHBOARD, 5),
    Key("escape", "back", "esc", "back", "Leave the filter, the single pane, the only host", Scope.ALONE, 1),
    Key(
        "m",
        _request(FixFinding),
        "m",
        "fix",
        "Start the fix of the finding, or of the worst one; choose one of several",
        Scope.FINDING,
        1,
        changes=True,
    ),
    Key(
        "1",
        _request(FixFinding, 1),
        "1 - 9",
        "fix by number",
        "Start the fix with this number",
        Scope.FIXES,
        2,
        changes=True,
    ),
    *(Key(f"{n}", _request(FixFinding, n), f"{n}", f"fix {n}", "", Scope.FIXES, changes=True) for n in range(2, 10)),
)

LOGS = (
    Key("tab,shift+tab", "other", "tab", "facts, journal", "Between facts and journal", Scope.HOST, 1),
    Key(
        "a",
        _request(OfferActions),
        "a",
        "actions",
        "Actions, those for this host first",
        Scope.HOST,
        2,
        changes=True,
    ),
    Key("s", _request(OpenShell), "s", "shell", "A shell on this host", Scope.HOST, 2, changes=True),
    Key("slash", "screen.filter", "/", "filter", "Show only lines that contain a text, and mark it", Scope.LOGS, 1),
    Key("S", "save", "S", "save", "Save the lines shown to a file in this folder", Scope.LOGS, 2),
    Key("escape,q", "leave", "esc", "back", "Leave the filter, then the journal", Scope.LOGS, 3),
    _help(Scope.LOGS, "this screen", 4),
    Key("up,k", "move('line', -1)", "↑ k", "older", "One entry back; the view stays there", Scope.JOURNAL, 6),
    Key("down,j", "move('line', 1)", "↓ j", "newer", "One entry forward", Scope.JOURNAL, 6),
    *_paging(
        Scope.JOURNAL,
        "oldest entry kept",
        "newest",
        follow=Key("end,G", "move('end', 1)", "end G", "follow", "To the newest entry, then follow", Scope.JOURNAL, 5),
    ),
)

STEPS = (
    Key("r", "run", "r", "run", "Run the plan, after a confirmation", Scope.PLAN, 1, changes=True),
    Key("v", "switch('steps')", "v", "all steps", "All steps, or only those that will change something", Scope.PLAN, 1),
    _teach("switch('teach')", Scope.PLAN, 2),
    Key("n", "next", "n", "next step", "Start the held step that is shown; the others stay held", Scope.HELD, 1),
    Key("p", _request(PauseRun, False), "p", "continue", "Start all held steps and hold no others", Scope.HELD, 1),
    Key(
        "p",
        _request(PauseRun, True),
        "p",
        "pause",
        "Pause every step that has not started; again: continue",
        Scope.RUN,
        1,
    ),
    _teach(_request(TeachRun), Scope.RUN, 4),
    Key("q", _request(Quit), "q", "quit", "Close the console, after a confirmation", Scope.RUN, 5),
    Key("s", _request(StopRun), "s", "stop", "Start no further step; again: leave running ones to hosts", Scope.RUN, 1),
    Key(
        "v", "switch('steps')", "v", "steps, grid", "All steps in a list, or the grid of phases and hosts", Scope.RUN, 2
    ),
    Key("F", "switch('follow')", "F", "follow", "Let the cursor follow the running step", Scope.RUN, 4),
    Key("w", _request(ShowOutcome), "w", "outcome", "The result, and the changes on the cluster", Scope.ENDED, 1),
    Key(
        "r",
        _request(OfferResume),
        "r",
        "resume",
        "Resume a run that did not finish",
        Scope.RESUMABLE,
        1,
        changes=True,
    ),
    Key(
        "u",
        _request(PlanUndo),
        "u",
        "undo",
        "Plan the undo of the run, newest step first",
        Scope.HISTORY,
        1,
        changes=True,
    ),
    Key("v", "reads", "v", "reads", "Show or hide the commands that only read", Scope.COMMANDS, 1),
    Key("escape,q", "dismiss", "esc", "back", "Back; the run continues", Scope.SPLIT, 2),
    Key("tab,shift+tab", "other", "tab", "table, text", "Between table and text", Scope.SPLIT, 5),
    _help(Scope.SPLIT, "this screen", 3),
)

TABLE = (
    Key("enter", "choose", "enter", "details", "Everything known of the row", Scope.TABLE, 3),
    Key("down,j", "move('line', 1)", "↓ j", "row down", "One row down", Scope.TABLE),
    Key("up,k", "move('line', -1)", "↑ k", "row up", "One row up", Scope.TABLE),
    *_paging(Scope.TABLE, "first row", "last row", space=False),
    Key("o", "order", "o", "sort", "Sort by the next column: up, down, unsorted", Scope.TABLE, 9),
    _copy(Scope.TABLE, "row"),
)

TEXT = (
    Key("enter", "link(0)", "enter", "open line", "Open the row or the log behind the marked line", Scope.TEXT, 2),
    Key("right", "link(1)", "← →", "next line to open", "Mark the next line that opens something", Scope.TEXT, 4),
    Key("left", "link(-1)", "←", "line to open before", "Mark the one before it", Scope.TEXT),
    Key("down,j", "move('line', 1)", "↓ j", "scroll", "One line down", Scope.TEXT, 6),
    Key("up,k", "move('line', -1)", "↑ k", "scroll up", "One line up", Scope.TEXT),
    *_paging(Scope.TEXT, "top", "end"),
    _copy(Scope.TEXT, "text"),
)

GRAPH = (
    Key(
        "left",
        "look('step', -1)",
        "← →",
        "cursor",
        "The cursor one cell back; at the edge the graph scrolls",
        Scope.GRAPH,
        1,
    ),
    Key("right", "look('step', 1)", "→", "cursor on", "The cursor one cell forward", Scope.GRAPH),
    Key(
        "shift+left,left_square_bracket",
        "look('pan', -1)",
        "[ ]",
        "earlier",
        "Half a screen back in time",
        Scope.GRAPH,
        3,
    ),
    Key("shift+right,right_square_bracket", "look('pan', 1)", "]", "later", "Half a screen on in time", Scope.GRAPH),
    Key("plus,equals_sign", "look('zoom', -1)", "+ -", "zoom", "Show less time", Scope.GRAPH, 2),
    Key("minus", "look('zoom', 1)", "-", "zoom out", "Show more time, up to an hour", Scope.GRAPH),
    Key("f,F", "look('now', 0)", "f", "now", "To now, and follow the time", Scope.GRAPH, 3),
    Key("enter,l", "journal", "enter", "journal", "The log of the row's component at the cursor", Scope.GRAPH, 2),
    Key("down,j", "move('line', 1)", "↓ j", "row down", "One row down", Scope.GRAPH, 6),
    Key("up,k", "move('line', -1)", "↑ k", "row up", "One row up", Scope.GRAPH),
    *_paging(Scope.GRAPH, "first row", "last row"),
    Key("escape,q", "screen.dismiss", "esc", "back", "Back to the dashboard", Scope.GRAPH, 4),
    _help(Scope.GRAPH, "this screen", 5),
)

PATH = (
    Key("enter", "choose", "enter", "details", "Everything known of the node", Scope.PATH, 1),
    Key("left", "look('stage', -1)", "← →", "stage", "To the stage before", Scope.PATH, 2),
    Key("right", "look('stage', 1)", "→", "next stage", "To the next stage", Scope.PATH),
    Key("down,j", "move('line', 1)", "↓ j", "node", "To the next node of the stage", Scope.PATH, 3),
    Key("up,k", "move('line', -1)", "↑ k", "node up", "To the previous node of the stage", Scope.PATH),
    Key("pagedown,space,ctrl+f", "look('words', 1)", "pgdn space", "page down", "A page of edges down", Scope.PATH, 6),
    Key("pageup,ctrl+b", "look('words', -1)", "pgup", "page up", "A page of edges up", Scope.PATH),
    Key("l", _request(FollowJournal), "l", "log", "The log of the node's unit or container, followed", Scope.PATH, 5),
    Key("y", "copy", "y", "copy", "Copy the drawing and all edges to the clipboard", Scope.PATH, 9),
    Key("escape,q", "screen.dismiss", "esc", "back", "Back to the dashboard", Scope.PATH, 4),
    _help(Scope.PATH, "this screen", 5),
)

WINDOWS = (
    Key("escape,q", "dismiss", "esc", "back", "Close this window", Scope.OVERLAY, 1),
    Key("P", _request(OpenText), "P", "pager", "This text in $PAGER", Scope.OVERLAY, 5),
    Key("E", _request(OpenText, True), "E", "editor", "A copy of this text in $EDITOR", Scope.OVERLAY, 9),
    Key("l", _request(FollowJournal), "l", "log", "The log of the unit or container, followed", Scope.OVERLAY, 3),
    *_through_screens(Scope.OVERLAY),
    _help(Scope.OVERLAY, "this window", 4),
    Key("enter,space", "switch", "enter", "show, hide", "Show or hide the column", Scope.COLUMNS, 1, priority=True),
    Key("escape,q,w", "screen.dismiss", "esc", "back", "Back to the dashboard", Scope.COLUMNS, 2),
    _help(Scope.COLUMNS, "this window", 3),
    Key("enter", "submit", "enter", "plan", "Make the plan; this changes nothing", Scope.FORM, 1),
    Key("escape", "screen.dismiss", "esc", "back", "Back to the dashboard", Scope.FORM, 2),
    Key("right", "turn(1)", "← →", "choose", "Choose one of the offered values; letters jump to it", Scope.FORM, 3),
    Key("left", "turn(-1)", "←", "choose back", "", Scope.FORM),
    Key("down,tab", "move(1)", "↓ tab", "next", "To the next entry", Scope.FORM, 4),
    Key("up,shift+tab", "move(-1)", "↑", "previous", "To the previous entry", Scope.FORM),
    Key("backspace,delete", "erase", "backspace", "erase", "Erase the value", Scope.FORM),
    _help(Scope.FORM, "this form", 5, "f1"),
    Key("y", "dismiss(True)", "y", "yes", "Yes", Scope.YES_NO, 1, priority=True),
    Key("n,escape,q", "dismiss(False)", "n", "no", "No", Scope.YES_NO, 1, priority=True),
    _help(Scope.YES_NO, "this question", 4),
    Key("enter", "submit", "enter", "send", "Send the password", Scope.SECRET, 1),
    Key("escape", "screen.dismiss(None)", "esc", "cancel", "Give no password", Scope.SECRET, 1),
    Key("enter", "submit", "enter", "agree", "Confirm, when the name is right", Scope.TYPED, 1),
    Key("escape", "screen.dismiss(False)", "esc", "no", "Do not start the run", Scope.TYPED, 1),
    _help(Scope.TYPED, "this question", 2, "f1"),
    Key("enter", "submit", "enter", "override", "Override the guardrail for this reason", Scope.REASON, 1),
    Key("escape", "screen.dismiss('')", "esc", "no", "Do not start the run", Scope.REASON, 1),
    _help(Scope.REASON, "this question", 2, "f1"),
    Key("enter", "submit", "enter", "keep the filter", "Keep the filter", Scope.FILTER, 1),
    Key("escape", "drop", "esc", "drop it", "Show everything again", Scope.FILTER, 1),
)

KEYS = (*EVERYWHERE, *REPLAY, *DASHBOARD, *LOGS, *STEPS, *GRAPH, *PATH, *TABLE, *TEXT, *WINDOWS)


CHANGES = frozenset(parse(key.action)[1:] for key in KEYS if key.changes)
"""The actions that change hosts, by name and parameters."""
CLOSED = (Scope.SPLIT, Scope.LOGS, Scope.FORM, Scope.GRAPH, Scope.PATH)
"""Scopes of screens with so many keys of their own that the console's are not named there."""
_PLACES = {key: place for place, key in enumerate(KEYS)}


def bindings(*scopes: Scope) -> list[BindingType]:
    """Textual's bindings for these scopes, for a class's BINDINGS; of one key the first that is available counts."""
    keys = (key for scope in scopes for key in KEYS if key.scope is scope)
    return [
        Binding(key.keys, key.action, key.label, show=False, priority=key.priority, id=str(_PLACES[key]))
        for key in keys
    ]


def active_keys(active: Mapping[str, ActiveBinding]) -> tuple[Key, ...]:
    """The keys to name on a screen, from its active bindings, in the registry's order."""
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
    """The key of the footer at `x` cells from its left edge."""
    end = 0
    for key in footer_keys(keys, width):
        end += width_of(text_of(_line([key])))
        if x < end:
            return key
    return None


def footer_keys(keys: Iterable[Key], width: int) -> list[Key]:
    """The keys of the footer in the order in which they are shown."""
    keys_that_fit: list[Key] = []
    for key in sorted((key for key in keys if key.rank), key=lambda key: key.rank):
        needed = width_of(text_of(_line([key])))
        if needed <= width:
            keys_that_fit.append(key)
            width -= needed
    order = {id(key): index for index, key in enumerate(KEYS)}
    return sorted(keys_that_fit, key=lambda key: (key.rank, order[id(key)]))


def _line(keys: list[Key]) -> Line:
    parts: list[Cell] = []
    for key in keys:
        parts += [Cell(f" {key.text}", Tone.ACCENT), Cell(f" {key.label} ", Tone.PLAIN)]
    return tuple(parts)
