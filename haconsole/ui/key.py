"""One key of the console, its scope, and keys that several screens share."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from haconsole.ui.messages import GoTo, Request, ShowKeys


class Scope(StrEnum):
    """The scope of a key; the values are headings of the help screen."""

    BESIDE = "Dashboard beside a run"
    REPLAY = "Recording"
    ALONE = "Dashboard with a filter or a single pane"
    FINDING = "Finding"
    FIXES = "Window of a finding"
    EVERYWHERE = "Everywhere"
    DASHBOARD = "Dashboard"
    PLAN = "Plan"
    HELD = "Paused run"
    RUN = "Run"
    ENDED = "Finished run"
    RESUMABLE = "Resumable run"
    OUTCOME = "Result of a run"
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


class Key(msgspec.Struct, frozen=True):
    """One key. `keys` as Textual writes them, comma-separated; `text` as a person reads them.

    `action` is looked up where the key is bound; those of `request` post a message to the controllers.
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


def request(kind: type[Request], *parameters: object) -> str:
    """The action that posts a request."""
    return f"app.request({', '.join(map(repr, (kind.__name__, *parameters)))})"


def help_key(scope: Scope, of: str, rank: int, keys: str = "question_mark,f1") -> Key:
    """The key for help; in a text field only f1 is possible."""
    return Key(keys, request(ShowKeys), "f1" if keys == "f1" else "?", "help", f"The keys of {of}", scope, rank)


def teach_key(action: str, scope: Scope, rank: int) -> Key:
    help_text = "Explain each step, and wait for a key press before each one"
    return Key("t", action, "t", "teach me", help_text, scope, rank)


def copy_key(scope: Scope, what: str) -> Key:
    return Key("y", "copy", "y", "copy", f"Copy the {what} to the clipboard", scope, 9)


def screen_keys(scope: Scope) -> tuple[Key, Key]:
    """Back and forward through the screens that were opened."""
    return (
        Key("less_than_sign", request(GoTo, -1), "<", "earlier screen", "Go back to the previous screen", scope),
        Key("greater_than_sign", request(GoTo, 1), ">", "later screen", "Go forward to the next screen", scope),
    )


def paging_keys(
    scope: Scope, first: str, last: str, *, space: bool = True, follow: Key | None = None
) -> tuple[Key, ...]:
    """A page down and up, and to both ends; `space` also pages down, `follow` replaces the way to the end."""
    on, footer = ("pagedown,space,ctrl+f", "pgdn space") if space else ("pagedown,ctrl+f", "pgdn")
    return (
        Key(on, "move('page', 1)", footer, "page down", "A page down", scope),
        Key("pageup,ctrl+b", "move('page', -1)", "pgup", "page up", "A page up", scope),
        Key("home,g", "move('end', -1)", "home g", first, f"To the {first}", scope),
        follow or Key("end,G", "move('end', 1)", "end G", last, f"To the {last}", scope),
    )
