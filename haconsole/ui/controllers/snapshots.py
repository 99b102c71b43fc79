"""Keeps the console's state fresh: opens a session, receives its snapshots, reports and retries failures."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, assert_never

from haconsole.model.observed import Failed, Known
from haconsole.model.roles import Role
from haconsole.present.bar import BarLink, LinkState
from haconsole.ui import error_text
from haconsole.ui.messages import ControlReplay, FreezeScreen, RefreshFacts

if TYPE_CHECKING:
    from haconsole.model.past import HostPast
    from haconsole.model.snapshot import ClusterSnapshot
    from haconsole.model.status import ClusterStatus
    from haconsole.session import Session
    from haconsole.ui.console import Console
    from haconsole.ui.messages import FeedRequest
    from haconsole.ui.state import ConsoleState

PAST_S = 6 * 3600
"""Seconds before the start of which the journals are read."""


class SnapshotFeed:
    """Sets the `state` and `session` of the console; `at_session` is called when a session is open."""

    def __init__(self, console: Console, at_session: Callable[[], None]) -> None:
        self._console = console
        self._at_session = at_session
        self._past = PastReader(console)
        self._newest: ConsoleState | None = None
        """The state that is not shown because the screens are frozen."""

    def fulfil(self, request: FeedRequest) -> None:
        match request:
            case RefreshFacts():
                self.refresh()
            case FreezeScreen():
                self.freeze()
            case _:
                assert_never(request)

    def freeze(self) -> None:
        """Show no news, or show the newest state again."""
        console = self._console
        if console.setting.recorded:
            console.post_message(ControlReplay("pause"))
            return
        if console.frozen_at is None:
            console.frozen_at = console.setting.clock()
            return
        console.frozen_at = None
        if self._newest is not None:
            console.state, self._newest = self._newest, None

    def refresh(self) -> None:
        """Have every fact on every host read again now."""
        console = self._console
        if console.session is None:
            console.notify("there is no session with the hosts yet; try again in a moment", severity="warning")
        elif console.setting.recorded:
            console.notify("a recording has no newer facts", severity="warning", timeout=3, markup=False)
        else:
            console.session.observer.refresh()
            console.notify("reading all facts again", timeout=2, markup=False)

    async def follow(self) -> None:
        """Hold a session and receive its snapshots for as long as the console is open."""
        console = self._console
        keep_what_is_loaded(alone=console.setting.alone)
        gc.enable()
        await asyncio.to_thread(_load_what_the_first_paint_did_not_need)
        for pause in self._pauses():
            try:
                async with console.setting.open_session() as session:
                    console.session = session
                    self._at_session()
                    await self._receive(session)
            except Exception as error:
                self._cut_off(error)
            finally:
                console.session = None
            await asyncio.sleep(pause)

    async def _receive(self, session: Session) -> None:
        """Receive snapshots; a failed stream is reported, then retried. A stream that ends keeps its session."""
        pauses = self._pauses()
        if session.player is not None:
            self._console.post_message(ControlReplay("begin"))
        while True:
            try:
                async for status in session.observer.watch():
                    pauses = self._pauses()
                    await self._update(status)
            except Exception as error:
                self._cut_off(error)
            else:
                self._console.state = self._console.state.with_link(
                    BarLink(LinkState.ENDED, self._console.setting.clock())
                )
                if session.player is None:
                    await asyncio.Event().wait()
                else:
                    await session.player.moved()
                    continue
            await asyncio.sleep(next(pauses))

    async def _update(self, status: ClusterStatus) -> None:
        """Replace the state by the newest status; one that cannot be drawn shows as an error until the next one."""
        console = self._console
        before = self._newest or console.state
        if console.setting.recorded and goes_back(before.snapshot, status.snapshot):
            before = type(before)(before.link)
        draw = partial(before.updated, status, console.setting.clock())
        try:
            state = await asyncio.to_thread(draw) if before.large else draw()
            if not (console.setting.recorded and before.large and console.state is not before):
                self._show(self._past.added_to(state))
        except Exception as error:
            self._cut_off(error)
        if before.snapshot is None:
            keep_what_is_loaded(alone=console.setting.alone)

    def _show(self, state: ConsoleState) -> None:
        if self._console.frozen_at is None:
            self._console.state = state
        else:
            self._newest = state

    def _pauses(self) -> Iterator[float]:
        *early, late = self._console.setting.retry_s
        yield from early
        yield from repeat(late)

    def _cut_off(self, error: Exception) -> None:
        self._set_link(LinkState.BROKEN, error_text.in_words(error))

    def _set_link(self, state: LinkState, reason: str = "") -> None:
        console = self._console
        console.state = console.state.with_link(BarLink(state, console.setting.clock(), reason))


def goes_back(before: ClusterSnapshot | None, after: ClusterSnapshot) -> bool:
    """Whether a recording starts again."""
    return before is not None and after.observed_at < before.observed_at


def keep_what_is_loaded(*, alone: bool) -> None:
    """Exclude the existing objects from garbage collection, which would block the screen."""
    if alone:
        gc.freeze()


def _load_what_the_first_paint_did_not_need() -> None:
    import haconsole.present.details.anything
    import haconsole.present.tables
    import haconsole.present.trends  # noqa: F401


class PastReader:
    """Reads the hosts' journals once, in the background, after the first screen; a failure is shown as a notice."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_started = False
        self._pasts: tuple[HostPast, ...] = ()

    def added_to(self, state: ConsoleState) -> ConsoleState:
        """The state with the events, once they are read; starts to read them when the hosts have answered."""
        snapshot = state.snapshot
        if snapshot is not None and not self._is_started and _clocks_are_known(snapshot):
            self._is_started = True
            if not self._console.setting.recorded:
                self._console.run_worker(self._read(snapshot), name="past", exit_on_error=False)
        if not self._pasts:
            return state
        pasts, self._pasts = self._pasts, ()
        return state.with_past(pasts, self._console.setting.clock())

    async def _read(self, snapshot: ClusterSnapshot) -> None:
        session = self._console.session
        if session is None:
            return
        try:
            self._pasts = await session.observer.past_events(PAST_S, snapshot.clock_offsets_ms())
        except Exception as error:
            self._console.notify(error_text.in_words(error), title="journals", severity="warning", markup=False)
            return
        if not self._console.state.large and self._console.frozen_at is None:
            self._console.state = self.added_to(self._console.state)


def _clocks_are_known(snapshot: ClusterSnapshot) -> bool:
    """The offset of every clock is known, or its host cannot be reached."""
    return all(
        isinstance(facts.reach, Failed) or isinstance(facts.clock_offset_ms, Known)
        for facts in snapshot.hosts
        if not facts.has(Role.BASTION)
    )
