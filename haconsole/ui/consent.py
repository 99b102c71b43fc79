"""What stands between a person's wish to change something and the change: a read-only console, a lock, a question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.screens.question import YesNoQuestion

    TakeIn = Callable[[frozenset[str]], Awaitable[None]]
    """Begins a run and takes it in, given the runs whose locks it may take over."""


def refused(app: ConsoleApp) -> bool:
    """Whether this console may change nothing; said aloud if so."""
    if app.read_only:
        says = "this console is read-only: nothing can be changed from here"
        app.notify(says, severity="warning", markup=False)
    return app.read_only


async def asked(app: ConsoleApp, question: YesNoQuestion) -> bool:
    """Whether a person said yes."""
    said: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    app.push_screen(question, lambda yes: said.set_result(yes is True))
    return await said


async def unless_locked(app: ConsoleApp, take_in: TakeIn) -> None:
    """Run; where a console that is gone left its lock, take that over when a person says so, else raise LockedError."""
    from haconsole.execution.locking.cluster_lock import LockedError

    try:
        await take_in(frozenset())
    except LockedError as locked:
        from haconsole.ui.screens.question import YesNoQuestion
        from haconsole.ui.screens.running import take_over

        if not locked.can_take_over or not await asked(app, YesNoQuestion(take_over(locked.view))):
            raise
        await take_in(frozenset({locked.view.claim.run}))
