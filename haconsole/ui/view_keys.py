"""Keys of the views over time and of the path: graphs, the path of a request, the position in a recording."""

from __future__ import annotations

from haconsole.ui.key import Key, Scope, help_key, paging_keys, request
from haconsole.ui.messages import ControlReplay, FollowJournal

REPLAY = (
    Key(
        "backslash", request(ControlReplay, "pause"), "\\", "pause", "Pause here, or continue playing", Scope.REPLAY, 2
    ),
    Key(
        "comma", request(ControlReplay, "earlier"), ", .", "step", "Show the moment before, and pause", Scope.REPLAY, 2
    ),
    Key("full_stop", request(ControlReplay, "later"), ".", "step on", "Show the next moment, and pause", Scope.REPLAY),
    Key(
        "left_curly_bracket",
        request(ControlReplay, "event before"),
        "{ }",
        "event",
        "Go to the previous event (a finding, an election, a VIP's move, a run), and pause",
        Scope.REPLAY,
        2,
    ),
    Key(
        "right_curly_bracket",
        request(ControlReplay, "event after"),
        "}",
        "next event",
        "Go to the next event, and pause",
        Scope.REPLAY,
    ),
    Key("left_parenthesis", request(ControlReplay, "slower"), "( )", "speed", "Half the speed", Scope.REPLAY, 3),
    Key("right_parenthesis", request(ControlReplay, "faster"), ")", "faster", "Twice the speed", Scope.REPLAY),
)

GRAPH = (
    Key(
        "left",
        "look('step', -1)",
        "← →",
        "cursor",
        "Move the cursor one cell back; at the edge the graph scrolls",
        Scope.GRAPH,
        1,
    ),
    Key("right", "look('step', 1)", "→", "cursor on", "Move the cursor one cell forward", Scope.GRAPH),
    Key(
        "shift+left,left_square_bracket",
        "look('pan', -1)",
        "[ ]",
        "earlier",
        "Half a screen back in time",
        Scope.GRAPH,
        3,
    ),
    Key(
        "shift+right,right_square_bracket", "look('pan', 1)", "]", "later", "Half a screen forward in time", Scope.GRAPH
    ),
    Key(
        "plus,equals_sign",
        "look('zoom', -1)",
        "+ -",
        "zoom",
        "Zoom in: show a shorter time, around the cursor",
        Scope.GRAPH,
        2,
    ),
    Key(
        "minus",
        "look('zoom', 1)",
        "-",
        "zoom out",
        "Zoom out: show a longer time, up to a day of states and an hour of figures",
        Scope.GRAPH,
    ),
    Key(
        "f,F",
        "look('now', 0)",
        "f",
        "now",
        "Go to the current time and follow it; the graph stops while the cursor is at another time",
        Scope.GRAPH,
        3,
    ),
    Key(
        "enter,l",
        "journal",
        "enter",
        "journal",
        "The log of the row's component at the time under the cursor",
        Scope.GRAPH,
        2,
    ),
    Key("down,j", "move('line', 1)", "↓ j", "row down", "One row down", Scope.GRAPH, 6),
    Key("up,k", "move('line', -1)", "↑ k", "row up", "One row up", Scope.GRAPH),
    *paging_keys(Scope.GRAPH, "first row", "last row"),
    Key("escape,q", "screen.dismiss", "esc", "back", "Back to the dashboard", Scope.GRAPH, 4),
    help_key(Scope.GRAPH, "this screen", 5),
)

PATH = (
    Key("enter", "choose", "enter", "details", "Everything known of the component", Scope.PATH, 1),
    Key("left", "look('stage', -1)", "← →", "stage", "Go to the previous stage", Scope.PATH, 2),
    Key("right", "look('stage', 1)", "→", "next stage", "Go to the next stage", Scope.PATH),
    Key("down,j", "move('line', 1)", "↓ j", "node", "Go to the next component of the same stage", Scope.PATH, 3),
    Key("up,k", "move('line', -1)", "↑ k", "node up", "Go to the previous component of the same stage", Scope.PATH),
    Key(
        "pagedown,space,ctrl+f",
        "look('words', 1)",
        "pgdn space",
        "page down",
        "Scroll the hops one page down",
        Scope.PATH,
        6,
    ),
    Key("pageup,ctrl+b", "look('words', -1)", "pgup", "page up", "Scroll the hops one page up", Scope.PATH),
    Key("l", request(FollowJournal), "l", "log", "Follow the log of the component's unit or container", Scope.PATH, 5),
    Key("y", "copy", "y", "copy", "Copy the drawing and all hops to the clipboard", Scope.PATH, 9),
    Key("escape,q", "screen.dismiss", "esc", "back", "Back to the dashboard", Scope.PATH, 4),
    help_key(Scope.PATH, "this screen", 5),
)
