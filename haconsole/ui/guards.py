"""Checks before a change: a read-only console refuses, a person agrees."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.screens.question import YesNoQuestion


def refused(app: ConsoleApp) -> bool:
    """Whether this console may change nothing; notifies if so."""
    if app.read_only:
        says = "this console is read-only: nothing can be changed from here"
        app.notify(says, severity="warning", markup=False)
    return app.read_only


async def confirmed_by_person(app: ConsoleApp, question: YesNoQuestion) -> bool:
    """Whether a person answered yes."""
    reply: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    app.push_screen(question, lambda yes: reply.set_result(yes is True))
    return await reply
