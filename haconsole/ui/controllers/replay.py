"""A recording that is played: pause, position and speed, and the marks at what happened."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from haconsole.present.bar import BarLink, LinkState
from haconsole.ui import error_text
from haconsole.ui.state import ConsoleState

if TYPE_CHECKING:
    from haconsole.present.replay import MarkFinder, ReplayMark, ReplayView
    from haconsole.session import Player
    from haconsole.ui.console import Console
    from haconsole.ui.messages import ControlReplay

FOLDED = timedelta(hours=1)
"""The time before a position whose moments make its graphs and events."""
MOST_FOLDED = 600
"""Moments of that time; of more some are left out, but none with a mark."""
AT_ONCE = 25
"""Moments that are searched for marks in one go."""


class ReplayController:
    """Controls the player of the session, and sets the console's state to that of a new position."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._target: int | None = None
        """The place to be at, while its state is made; further keys count from it."""
        self._plays_on = False
        """Whether the recording plays once the position is reached."""

    def fulfil(self, request: ControlReplay) -> None:
        """Fulfil a request; nothing in a live cluster."""
        player = self._console.session.player if self._console.session is not None else None
        if player is None:
            return
        match request.how:
            case "begin":
                self._begin(player)
            case "pause" if self._target is not None:
                self._plays_on = not self._plays_on
            case "pause":
                (player.unpause if player.paused else player.pause)()
            case "slower" | "faster":
                player.set_speed(player.speed * (2.0 if request.how == "faster" else 0.5))
            case "earlier" | "later":
                self._seek(player, self._place(player) + (1 if request.how == "later" else -1), stop=True)
            case "event before" | "event after":
                self._seek_mark(player, 1 if request.how == "event after" else -1)
            case _:
                self._seek(player, request.place)
        self._show(player)

    def _begin(self, player: Player) -> None:
        from haconsole.present.replay import ReplayView

        if self._console.replay is None:
            self._console.replay = ReplayView(player.times, player.speed, player.paused)
            self._console.run_worker(self._read_marks(player), name="marks", exit_on_error=False)

    def _show(self, player: Player) -> None:
        view = self._console.replay
        if view is not None:
            self._console.replay = replace(view, speed=player.speed, paused=player.paused)
        self._console.now = player.now()

    def _place(self, player: Player) -> int:
        """The place that is shown, or will be."""
        return player.place if self._target is None else self._target

    def _seek_mark(self, player: Player, by: int) -> None:
        view = self._console.replay
        mark = view.mark_from(self._place(player), by) if view is not None else None
        if mark is None:
            where = "later" if by > 0 else "earlier"
            self._console.notify(f"there is no {where} event", severity="warning", timeout=3, markup=False)
        else:
            self._seek(player, mark.place, stop=True)

    def _seek(self, player: Player, place: int, *, stop: bool = False) -> None:
        """Be at that place as if everything before it had been shown; with `stop` stay there."""
        is_moving = self._target is not None
        if not is_moving:
            self._plays_on = not player.paused
        self._plays_on = self._plays_on and not stop
        self._target = max(0, min(place, player.last))
        player.pause()
        if not is_moving:
            self._console.run_worker(self._move(player), group="seek", exit_on_error=False)

    async def _move(self, player: Player) -> None:
        """Show the state of the target; if it was moved meanwhile, that of the new one."""
        while (place := self._target) is not None:
            view = self._console.replay
            try:
                state = await asyncio.to_thread(state_at, player, place, view.marks if view is not None else ())
            except Exception as error:
                self._console.notify(error_text.in_words(error), title="position", severity="error", markup=False)
                self._target = None
            else:
                self._console.state = state
                player.seek(place)
                self._target = None if self._target == place else self._target
            self._show(player)
        if self._plays_on:
            player.unpause()
            self._show(player)

    async def _read_marks(self, player: Player) -> None:
        """Search the recording for events, part by part."""
        from haconsole.present.replay import MarkFinder

        finder = MarkFinder()
        for first in range(0, player.last + 1, AT_ONCE):
            places = range(first, min(first + AT_ONCE, player.last + 1))
            marks = await asyncio.to_thread(marks_in, player, places, finder)
            view = self._console.replay
            if view is not None:
                self._console.replay = with_marks(view, marks, places.stop)


def with_marks(view: ReplayView, marks: tuple[ReplayMark, ...], read: int) -> ReplayView:
    return replace(view, marks=(*view.marks, *marks), read=read)


def marks_in(player: Player, places: range, finder: MarkFinder) -> tuple[ReplayMark, ...]:
    """The events at these places."""
    return tuple(mark for place in places for mark in finder.add(player.status(place), place))


def state_at(player: Player, place: int, marks: tuple[ReplayMark, ...]) -> ConsoleState:
    """The console's state at that place, with the graphs and events of the hour before it."""
    at = player.times[place]
    state = ConsoleState(BarLink(LinkState.LIVE, at), can_fix=False)
    for earlier in folded_places(player, place, marks):
        state = state.remembering(player.status(earlier))
    return state.updated(player.status(place), at)


def folded_places(player: Player, place: int, marks: tuple[ReplayMark, ...]) -> list[int]:
    """The places before that one which make its graphs and events."""
    begin = player.times[place] - FOLDED
    places = [each for each in range(place) if player.times[each] >= begin]
    step = len(places) // MOST_FOLDED + 1
    marked = {each for mark in marks for each in (mark.place - 1, mark.place)}
    return [each for index, each in enumerate(places) if index % step == 0 or each in marked]
