"""Keeps the console's state fresh: opens a session, receives its snapshots, reports and retries failures."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

from haconsole.present.bar import BarLink, LinkState
from haconsole.ui import error_text

if TYPE_CHECKING:
    from haconsole.model.status import ClusterStatus
    from haconsole.session import Session
    from haconsole.ui.console import Console


class SnapshotFeed:
    """Sets the `state` and `session` of the console; `at_session` is called when a session is open."""

    def __init__(self, console: Console, at_session: Callable[[], None]) -> None:
        self._console = console
        self._at_session = at_session

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
                await asyncio.Event().wait()
            await asyncio.sleep(next(pauses))

    async def _update(self, status: ClusterStatus) -> None:
        """Replace the state by the newest status; one that cannot be drawn shows as an error until the next one."""
        console = self._console
        before = console.state
        draw = partial(before.updated, status, console.setting.clock())
        try:
            console.state = await asyncio.to_thread(draw) if before.large else draw()
        except Exception as error:
            self._cut_off(error)
        if before.snapshot is None:
            keep_what_is_loaded(alone=console.setting.alone)

    def _pauses(self) -> Iterator[float]:
        *early, late = self._console.setting.retry_s
        yield from early
        yield from repeat(late)

    def _cut_off(self, error: Exception) -> None:
        self._set_link(LinkState.BROKEN, error_text.in_words(error))

    def _set_link(self, state: LinkState, reason: str = "") -> None:
        console = self._console
        console.state = console.state.with_link(BarLink(state, console.setting.clock(), reason))


def keep_what_is_loaded(*, alone: bool) -> None:
    """Exclude the existing objects from garbage collection, which would block the screen."""
    if alone:
        gc.freeze()


def _load_what_the_first_paint_did_not_need() -> None:
    import haconsole.present.details.anything
    import haconsole.present.tables
    import haconsole.present.trends  # noqa: F401
