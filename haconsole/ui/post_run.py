"""After a run: the differences on the hosts, and an inventory without a host that has left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from haconsole.errors import HaconsoleError
from haconsole.ui import error_text
from haconsole.ui.guards import confirmed_by_person

if TYPE_CHECKING:
    from haconsole.actions.step import Plan
    from haconsole.execution.events import Outcome
    from haconsole.model.snapshot import ClusterSnapshot
    from haconsole.present.changes import SnapshotChange
    from haconsole.ui.app import ConsoleApp


async def changes_since(app: ConsoleApp, before: ClusterSnapshot | None) -> tuple[SnapshotChange, ...]:
    """The differences after reading the hosts again; those of the screen's data if they cannot be read."""
    from haconsole.present.changes import changes

    try:
        after = (await app.session.observer.status()).snapshot if app.session is not None else None
    except Exception:
        after = app.state.snapshot
    return changes(before, after) if before is not None and after is not None else ()


async def let_inventory_follow(app: ConsoleApp, plan: Plan, outcome: Outcome) -> None:
    """A host has left: change the inventory's file, after a person has confirmed the change, unless the plan requires
    it.
    """
    from haconsole.execution.events import Outcome
    from haconsole.inventory.follow import without
    from haconsole.ui.screens.question import YesNoQuestion
    from haconsole.ui.screens.running import inventory_follows

    if app.setting.file is None or outcome not in (Outcome.DONE, Outcome.ALREADY):
        return
    try:
        change = await asyncio.to_thread(without, app.setting.file, plan.departing_host)
        if change is None:
            return
        if not change.diff:
            app.notify(change.by_hand, title="inventory", markup=False)
        elif plan.updates_inventory or await confirmed_by_person(app, YesNoQuestion(inventory_follows(change))):
            await asyncio.to_thread(change.apply)
            app.notify(f"{change.path} is changed: open the console again for it", title="inventory", markup=False)
    except HaconsoleError as error:
        app.notify(error_text.in_words(error), title="inventory", severity="warning", markup=False)
