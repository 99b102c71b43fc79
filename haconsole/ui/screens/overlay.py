"""Windows over the dashboard that show a text, such as details or help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.screen import ModalScreen

from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Sentence
from haconsole.ui.console import KeyTarget
from haconsole.ui.key import Key, Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import NO_FIX
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.text import TextPane

if TYPE_CHECKING:
    from haconsole.present.row_keys import FindingKey, RowKey
    from haconsole.ui.console import Console
    from haconsole.ui.state import ConsoleState

DetailSource = Callable[["ConsoleState", datetime], Detail | None]
"""Makes the window's text from the console's state and the time, again whenever either changes."""


class TextWindow(KeyTarget, ModalScreen[None]):
    """A text in a window; it follows the console's state while it is open."""

    BINDINGS = bindings(Scope.OVERLAY)
    app: Console

    def __init__(
        self, details: DetailSource, *, absence: str = "The item no longer exists.", subject: RowKey | None = None
    ) -> None:
        super().__init__()
        self.subject = subject
        self._details = details
        self._text = TextPane(id="window", hint=absence)

    def compose(self) -> ComposeResult:
        yield self._text
        yield KeyBar()

    def on_mount(self) -> None:
        self._text.focus()
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._draw, init=False)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        return "" if parameters[:1] == ("FollowJournal",) and self.subject is None else None

    def _draw(self) -> None:
        self._text.show(self._details(self.app.state, self.app.now))
        self.refresh_bindings()


class FindingWindow(TextWindow):
    """The details of a finding; a key starts a fix, or the fix of that number, if it is an action."""

    BINDINGS = bindings(Scope.FINDING, Scope.FIXES)

    def __init__(self, finding: FindingKey) -> None:
        super().__init__(FindingDetails(finding), subject=finding)
        self.finding = finding

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        fixes = action == "request" and parameters[:1] == ("FixFinding",)
        return NO_FIX if fixes and not is_fixable(self.finding, self.app.state) else None


class FindingDetails:
    """The details of a finding; once it is resolved, the last ones, marked as such."""

    def __init__(self, finding: FindingKey) -> None:
        self._finding = finding
        self._last: Detail | None = None
        self._resolved_at: datetime | None = None

    def __call__(self, state: ConsoleState, now: datetime) -> Detail | None:
        detail = details_of(state, now, self._finding)
        if detail is not None:
            self._last, self._resolved_at = detail, None
            return detail
        if self._last is None:
            return None
        self._resolved_at = self._resolved_at or now
        text = f"● resolved at {self._resolved_at:%H:%M:%S} UTC; these are the last details"
        return replace(self._last, items=(Sentence(Cell(text, Tone.GOOD)), *self._last.items))


def details_of(state: ConsoleState, now: datetime, subject: RowKey) -> Detail | None:
    """The details of a subject; None before the first answers."""
    if state.snapshot is None:
        return None
    from haconsole.present.details.anything import about
    from haconsole.present.findings import with_first_seen
    from haconsole.present.row_keys import FindingKey
    from haconsole.present.trends import with_figures

    detail = about(subject, state.snapshot, state.findings, state.history, now)
    if detail is None or state.chronicle is None:
        return detail
    if isinstance(subject, FindingKey):
        return with_first_seen(detail, subject, state.chronicle.lanes, now)
    return with_figures(detail, subject, state.snapshot, state.chronicle.measurements, now)


def is_fixable(subject: RowKey | None, state: ConsoleState) -> bool:
    """Whether the subject is a finding that an action of this console fixes."""
    from haconsole.present.offers import finding_of

    finding = finding_of(subject, state.findings)
    return finding is not None and bool(finding.calls)


def help_text(keys: tuple[Key, ...]) -> Detail:
    """The help screen: every key of these, section by section."""
    items: list[Heading | Fact] = []
    for scope in Scope:
        mine = [key for key in keys if key.scope is scope and key.help]
        if mine:
            items.append(Heading(str(scope)))
            items.extend(Fact(key.text, Cell(key.help)) for key in mine)
    return Detail("keys", tuple(items))
