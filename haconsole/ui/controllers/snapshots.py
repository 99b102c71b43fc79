"""Keeps the console's state fresh: opens a session, receives its snapshots, reports and retries failures."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

from haconsole.present.bar import BarLink, LinkState
from haconsole.ui import error_text

if TYPE_CHECKING:
    from haconsole.model.status import ClusterStatus
    from haconsole.session import Session
    from haconsole.ui.app import ConsoleApp


class SnapshotFeed:
    """Sets the `state` and `session` of the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    async def go_on(self) -> None:
        """Hold a session and receive its snapshots for as long as the console is open."""
        app = self._app
        keep_what_is_loaded(alone=app.setting.alone)
        gc.enable()
        await asyncio.to_thread(_load_what_the_first_paint_did_not_need)
        for pause in self._pauses():
            try:
                async with app.setting.open_session() as session:
                    app.session = session
                    app.run_history.offer_broken_off()
                    await self._follow(session)
            except Exception as error:
                self._cut_off(error)
            finally:
                app.session = None
            await asyncio.sleep(pause)

    async def _follow(self, session: Session) -> None:
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
                self._app.state = self._app.state.with_link(BarLink(LinkState.ENDED, self._app.setting.clock()))
                await asyncio.Event().wait()
            await asyncio.sleep(next(pauses))

    async def _update(self, status: ClusterStatus) -> None:
        """Replace the state by the newest status; one that cannot be drawn shows as an error until the next one."""
        app = self._app
        before = app.state
        draw = partial(before.updated, status, app.setting.clock())
        try:
            app.state = await asyncio.to_thread(draw) if before.large else draw()
        except Exception as error:
            self._cut_off(error)
        if before.snapshot is None:
            keep_what_is_loaded(alone=app.setting.alone)

    def _pauses(self) -> Iterator[float]:
        *early, late = self._app.setting.retry_s
        yield from early
        yield from repeat(late)

    def _cut_off(self, error: Exception) -> None:
        app = self._app
        app.state = app.state.with_link(BarLink(LinkState.BROKEN, app.setting.clock(), error_text.in_words(error)))


def keep_what_is_loaded(*, alone: bool) -> None:
    """Exclude the existing objects from garbage collection, which would block the screen."""
    if alone:
        gc.freeze()


def _load_what_the_first_paint_did_not_need() -> None:
    import haconsole.present.details.anything
    import haconsole.present.tables  # noqa: F401
