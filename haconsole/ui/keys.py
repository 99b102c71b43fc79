"""Every key of the console, in one place: bindings, the last line, palette and help are made from it."""

from __future__ import annotations

from textual.actions import parse
from textual.binding import Binding, BindingType

from haconsole.ui.key import Key, Scope, copy_key, help_key, paging_keys, request, screen_keys, teach_key
from haconsole.ui.messages import (
    ChooseColumns,
    FixFinding,
    FollowJournal,
    FreezeScreen,
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
    ShowCommands,
    ShowGraphs,
    ShowOnlyHost,
    ShowOutcome,
    ShowPath,
    ShowRun,
    ShowRuns,
    StopRun,
    TeachRun,
)
from haconsole.ui.view_keys import GRAPH, PATH, REPLAY

PANES = ("etcd", "VIP owner", "haproxy", "lease holders", "hosts", "findings", "events", "certificates", "nodes")
"""The targets of the keys 1, 2 …."""

EVERYWHERE = (
    help_key(Scope.EVERYWHERE, "the current screen", 1),
    Key("q", "app.quit", "q", "quit", "Close the console; nothing on the hosts stops", Scope.EVERYWHERE, 2),
    Key("ctrl+p,colon", request(OfferCommands), ": ^p", "palette", "Find a command by name", Scope.EVERYWHERE, 8),
    Key("R", request(ShowRun, True), "R", "run", "The current run", Scope.BESIDE, 1),
    Key("R", request(ShowRun), "R", "run", "The current run, or the last one", Scope.EVERYWHERE),
    Key(
        "P", request(OpenText), "P", "pager", "Open this text, or a host's units and files, in $PAGER", Scope.EVERYWHERE
    ),
    Key("E", request(OpenText, True), "E", "editor", "Open a copy of the pager's text in $EDITOR", Scope.EVERYWHERE),
    *screen_keys(Scope.EVERYWHERE),
    Key("T", request(NextTheme), "T", "theme", "The next theme", Scope.EVERYWHERE),
    Key(
        "ctrl+r",
        request(RefreshFacts),
        "^r",
        "refresh",
        "Read all facts on all hosts again now",
        Scope.EVERYWHERE,
        9,
    ),
    Key("ctrl+t", request(ReloadTheme), "^t", "reload theme", "Reload the theme's file", Scope.EVERYWHERE),
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
        request(OfferActions),
        "a",
        "actions",
        "Actions, those for the row first",
        Scope.DASHBOARD,
        4,
        changes=True,
    ),
    Key(
        "l",
        request(FollowJournal),
        "l",
        "journal",
        "Follow the log of the row's unit or container",
        Scope.DASHBOARD,
        8,
    ),
    Key(
        "L",
        request(FollowJournal, True),
        "L",
        "journals of all",
        "The journals of all hosts, interleaved",
        Scope.DASHBOARD,
        9,
    ),
    Key("s", request(OpenShell), "s", "shell", "A shell on the row's host", Scope.DASHBOARD, 9, changes=True),
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
    Key("v", request(ShowGraphs), "v", "graphs", "States and figures over time", Scope.DASHBOARD, 9),
    Key("p", request(ShowPath), "p", "path", "Path of a request: every hop, clients to etcd", Scope.DASHBOARD, 9),
    Key("h", request(ShowRuns), "h", "runs", "The logged runs: open or resume one", Scope.DASHBOARD, 8),
    Key("C", request(ShowCommands), "C", "commands", "Every command that was run on hosts", Scope.DASHBOARD, 9),
    Key(
        "slash",
        "screen.filter",
        "/",
        "filter",
        "Show only rows that match: a regular expression, !TEXT for rows that do not match, COLUMN=TEXT",
        Scope.DASHBOARD,
        5,
    ),
    Key(
        "space",
        request(FreezeScreen),
        "space",
        "freeze",
        "Freeze all screens, or show new data again",
        Scope.DASHBOARD,
        10,
    ),
    Key("H", request(ShowOnlyHost), "H", "only host", "Show only the row's host, on all screens", Scope.DASHBOARD, 10),
    Key("x", "wrong", "x", "only wrong", "Only rows with something wrong or unknown", Scope.DASHBOARD, 10),
    Key(
        "w",
        request(ChooseColumns),
        "w",
        "columns",
        "Choose the pane's columns; the choice is saved",
        Scope.DASHBOARD,
        10,
    ),
    Key("z", "only", "z", "zoom", "Show only this pane and the details of its row", Scope.DASHBOARD, 5),
    Key(
        "escape",
        "back",
        "esc",
        "back",
        "Leave the filter, the single pane, or the view of only one host",
        Scope.ALONE,
        1,
    ),
    Key(
        "m",
        request(FixFinding),
        "m",
        "fix",
        "Start the fix of the selected finding, or else of the worst one",
        Scope.FINDING,
        1,
        changes=True,
    ),
    Key(
        "1",
        request(FixFinding, 1),
        "1 - 9",
        "fix by number",
        "Start the fix with this number",
        Scope.FIXES,
        2,
        changes=True,
    ),
    *(Key(f"{n}", request(FixFinding, n), f"{n}", f"fix {n}", "", Scope.FIXES, changes=True) for n in range(2, 10)),
)

LOGS = (
    Key("tab,shift+tab", "other", "tab", "facts, journal", "Between facts and journal", Scope.HOST, 1),
    Key(
        "a",
        request(OfferActions),
        "a",
        "actions",
        "Actions, those for this host first",
        Scope.HOST,
        2,
        changes=True,
    ),
    Key("s", request(OpenShell), "s", "shell", "A shell on this host", Scope.HOST, 2, changes=True),
    Key(
        "slash",
        "screen.filter",
        "/",
        "filter",
        "Show only lines that match a regular expression; !TEXT for the others",
        Scope.LOGS,
        1,
    ),
    Key("S", "save", "S", "save", "Save the lines shown to a file in this folder", Scope.LOGS, 2),
    Key("escape,q", "leave", "esc", "back", "Close the filter, or else the journal", Scope.LOGS, 3),
    help_key(Scope.LOGS, "this screen", 4),
    Key(
        "up,k",
        "move('line', -1)",
        "↑ k",
        "older",
        "Go one entry back; new entries no longer move the view",
        Scope.JOURNAL,
        6,
    ),
    Key("down,j", "move('line', 1)", "↓ j", "newer", "Go one entry forward", Scope.JOURNAL, 6),
    *paging_keys(
        Scope.JOURNAL,
        "oldest entry kept",
        "newest",
        follow=Key("end,G", "move('end', 1)", "end G", "follow", "To the newest entry, then follow", Scope.JOURNAL, 5),
    ),
)

STEPS = (
    Key("r", "run", "r", "run", "Run the plan, after a confirmation", Scope.PLAN, 1, changes=True),
    Key("v", "switch('steps')", "v", "all steps", "All steps, or only those that will change something", Scope.PLAN, 1),
    teach_key("switch('teach')", Scope.PLAN, 2),
    Key("n", "next", "n", "next step", "Start the paused step that is shown; the others stay paused", Scope.HELD, 1),
    Key(
        "p", request(PauseRun, False), "p", "continue", "Start all paused steps, and pause no more steps", Scope.HELD, 1
    ),
    Key(
        "p",
        request(PauseRun, True),
        "p",
        "pause",
        "Pause every step that has not started; press again to continue",
        Scope.RUN,
        1,
    ),
    teach_key(request(TeachRun), Scope.RUN, 4),
    Key("q", request(Quit), "q", "quit", "Close the console, after a confirmation", Scope.RUN, 5),
    Key(
        "s",
        request(StopRun),
        "s",
        "stop",
        "Start no more steps; press again to end the run while running steps continue",
        Scope.RUN,
        1,
    ),
    Key(
        "v", "switch('steps')", "v", "steps, grid", "All steps in a list, or the grid of phases and hosts", Scope.RUN, 2
    ),
    Key("F", "switch('follow')", "F", "follow", "Let the cursor follow the running step", Scope.RUN, 4),
    Key("w", request(ShowOutcome), "w", "outcome", "The result, and the changes on the cluster", Scope.ENDED, 1),
    Key(
        "r",
        request(OfferResume),
        "r",
        "resume",
        "Resume a run that did not finish",
        Scope.RESUMABLE,
        1,
        changes=True,
    ),
    Key("r", "resume", "r", "resume", "Resume a run that did not finish", Scope.OUTCOME, 1, changes=True),
    Key(
        "u",
        request(PlanUndo),
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
    help_key(Scope.SPLIT, "this screen", 3),
)

TABLE = (
    Key("enter", "row('choose')", "enter", "details", "Everything known of the row", Scope.TABLE, 3),
    Key("down,j", "move('line', 1)", "↓ j", "row down", "One row down", Scope.TABLE),
    Key("up,k", "move('line', -1)", "↑ k", "row up", "One row up", Scope.TABLE),
    *paging_keys(Scope.TABLE, "first row", "last row", space=False),
    Key("o", "row('order')", "o", "sort", "Sort by the next column: ascending, descending, unsorted", Scope.TABLE, 9),
    copy_key(Scope.TABLE, "row"),
)

TEXT = (
    Key("enter", "link(0)", "enter", "open line", "Open the row or the log behind the marked line", Scope.TEXT, 2),
    Key("right", "link(1)", "← →", "next line to open", "Go to the next line that can be opened", Scope.TEXT, 4),
    Key("left", "link(-1)", "←", "line to open before", "Go to the previous line that can be opened", Scope.TEXT),
    Key("down,j", "move('line', 1)", "↓ j", "scroll", "One line down", Scope.TEXT, 6),
    Key("up,k", "move('line', -1)", "↑ k", "scroll up", "One line up", Scope.TEXT),
    *paging_keys(Scope.TEXT, "top", "end"),
    copy_key(Scope.TEXT, "text"),
)

WINDOWS = (
    Key("escape,q", "dismiss", "esc", "back", "Close this window", Scope.OVERLAY, 1),
    Key("P", request(OpenText), "P", "pager", "This text in $PAGER", Scope.OVERLAY, 5),
    Key("E", request(OpenText, True), "E", "editor", "A copy of this text in $EDITOR", Scope.OVERLAY, 9),
    Key("l", request(FollowJournal), "l", "log", "Follow the log of the unit or container", Scope.OVERLAY, 3),
    *screen_keys(Scope.OVERLAY),
    help_key(Scope.OVERLAY, "this window", 4),
    Key("enter,space", "switch", "enter", "show, hide", "Show or hide the column", Scope.COLUMNS, 1, priority=True),
    Key("escape,q,w", "screen.dismiss", "esc", "back", "Back to the dashboard", Scope.COLUMNS, 2),
    help_key(Scope.COLUMNS, "this window", 3),
    Key("enter", "submit", "enter", "plan", "Make the plan; this changes nothing", Scope.FORM, 1),
    Key("escape", "screen.dismiss", "esc", "back", "Back to the dashboard", Scope.FORM, 2),
    Key("right", "turn(1)", "← →", "choose", "Choose one of the offered values; letters jump to it", Scope.FORM, 3),
    Key("left", "turn(-1)", "←", "choose back", "", Scope.FORM),
    Key("down,tab", "move(1)", "↓ tab", "next", "To the next entry", Scope.FORM, 4),
    Key("up,shift+tab", "move(-1)", "↑", "previous", "To the previous entry", Scope.FORM),
    Key("backspace,delete", "erase", "backspace", "erase", "Erase the value", Scope.FORM),
    help_key(Scope.FORM, "this form", 5, "f1"),
    Key("y", "dismiss(True)", "y", "yes", "Yes", Scope.YES_NO, 1, priority=True),
    Key("n,escape,q", "dismiss(False)", "n", "no", "No", Scope.YES_NO, 1, priority=True),
    help_key(Scope.YES_NO, "this question", 4),
    Key("enter", "submit", "enter", "send", "Send the password", Scope.SECRET, 1),
    Key("escape", "screen.dismiss(None)", "esc", "cancel", "Give no password", Scope.SECRET, 1),
    Key("enter", "submit", "enter", "agree", "Confirm, when the name is right", Scope.TYPED, 1),
    Key("escape", "screen.dismiss(False)", "esc", "no", "Do not start the run", Scope.TYPED, 1),
    help_key(Scope.TYPED, "this question", 2, "f1"),
    Key("enter", "submit", "enter", "override", "Override the guardrail for this reason", Scope.REASON, 1),
    Key("escape", "screen.dismiss('')", "esc", "no", "Do not start the run", Scope.REASON, 1),
    help_key(Scope.REASON, "this question", 2, "f1"),
    Key("enter", "submit", "enter", "keep the filter", "Keep the filter", Scope.FILTER, 1),
    Key("escape", "drop", "esc", "drop it", "Show everything again", Scope.FILTER, 1),
)

KEYS = (*EVERYWHERE, *REPLAY, *DASHBOARD, *LOGS, *STEPS, *GRAPH, *PATH, *TABLE, *TEXT, *WINDOWS)


CHANGES = frozenset(parse(key.action)[1:] for key in KEYS if key.changes)
"""The actions that change hosts, by name and parameters."""
_PLACES = {key: place for place, key in enumerate(KEYS)}


def bindings(*scopes: Scope) -> list[BindingType]:
    """Textual's bindings for these scopes, for a class's BINDINGS; of one key the first that is available counts."""
    keys = (key for scope in scopes for key in KEYS if key.scope is scope)
    return [
        Binding(key.keys, key.action, key.label, show=False, priority=key.priority, id=str(_PLACES[key]))
        for key in keys
    ]
