"""Goes back and forward through the screens that a person opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from haconsole.ui.messages import (
    GoTo,
    OpenRun,
    Request,
    ShowCommands,
    ShowDetails,
    ShowGraphs,
    ShowJournal,
    ShowPath,
    ShowRuns,
)

if TYPE_CHECKING:
    from haconsole.ui.console import Console

ARGUMENTS: dict[type[Request], tuple[str, ...]] = {
    ShowDetails: ("key",),
    ShowJournal: ("place",),
    ShowGraphs: (),
    ShowPath: (),
    ShowRuns: (),
    ShowCommands: (),
    OpenRun: ("record",),
}
"""The requests that open a screen to return to, with the names of their arguments."""
CLOSABLE = (
    ("overlay", "TextWindow"),
    ("journal", "JournalScreen"),
    ("graph", "GraphScreen"),
    ("path", "PathScreen"),
    ("history", "HistoryScreen"),
    ("history", "RecordScreen"),
    ("commands", "CommandScreen"),
    ("running", "RunScreen"),
)
"""Modules and classes of the screens that have no input of a person to lose."""
MOST_VISITS = 50


class Visit(msgspec.Struct, frozen=True):
    """A screen that was opened: the kind of its request, and the arguments."""

    kind: type[Request]
    arguments: tuple[object, ...]

    @classmethod
    def of(cls, request: Request) -> Visit | None:
        names = ARGUMENTS.get(type(request))
        return None if names is None else cls(type(request), tuple(getattr(request, name) for name in names))

    def request(self) -> Request:
        return self.kind(*self.arguments)


class VisitController:
    """Remembers the screens, and opens the one before or after the current one.

    The dashboard is before the first screen. A screen that a person closed stays remembered.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._visits: list[Visit] = []
        self._depths: list[int] = []
        """The number of screens below each visit when it was opened."""
        self._at = -1
        """The newest visit of those up to the current screen, -1 at the start."""
        self._repeated: Visit | None = None
        """The visit that is repeated now, which is no new one."""

    def note(self, request: Request) -> None:
        """Remember the screen of a request, if it opens one, and drop those after it; or show another screen."""
        if isinstance(request, GoTo):
            self.go(request.by)
        visit = Visit.of(request)
        if visit is None:
            return
        if visit == self._repeated:
            self._repeated = None
            return
        end = self._at + 1
        self._visits = [*self._visits[:end], visit][-MOST_VISITS:]
        self._depths = [*self._depths[:end], len(self._console.screen_stack)][-MOST_VISITS:]
        self._at = len(self._visits) - 1

    def go(self, by: int) -> None:
        """Show the screen before or after the current one; on the dashboard, back shows the newest one."""
        here = self._here()
        target = self._at if here is None and by < 0 else (self._at if here is None else here) + by
        if target >= len(self._visits) or (here is None and target < 0):
            where = "later" if by > 0 else "earlier"
            self._console.notify(f"there is no {where} screen", severity="warning", timeout=3, markup=False)
        elif not self._may_close():
            self._console.notify("close this screen first", severity="warning", timeout=3, markup=False)
        else:
            self._close()
            self._open(target)

    def _here(self) -> int | None:
        """The visit that is shown; None for the dashboard."""
        depth = len(self._console.screen_stack) - 1
        if not depth:
            return None
        places = (place for place in range(self._at, -1, -1) if self._depths[place] == depth)
        return next(places, self._at)

    def _may_close(self) -> bool:
        classes = tuple(getattr(import_module(f"haconsole.ui.screens.{name}"), kind) for name, kind in CLOSABLE)
        return all(isinstance(screen, classes) for screen in self._console.screen_stack[1:])

    def _close(self) -> None:
        while len(self._console.screen_stack) > 1:
            self._console.screen.dismiss()

    def _open(self, target: int) -> None:
        self._at = target
        if target >= 0:
            self._depths[target] = 1
            self._repeated = self._visits[target]
            self._console.post_message(self._repeated.request())
