"""Runs kept: one goes on whichever screen is up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from haconsole.errors import HaconsoleError
from haconsole.ui import faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from haconsole.actions.step import Plan
    from haconsole.execution.events import Event, Outcome
    from haconsole.execution.lock import LockedError
    from haconsole.execution.records import RunRecord
    from haconsole.model.snapshot import ClusterSnapshot
    from haconsole.session import Session
    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.present.changes import Change
    from haconsole.ui.present.running import RunView
    from haconsole.ui.screens.question import YesNoQuestion

    Begin = Callable[[Session, frozenset[str]], AsyncIterator[Event]]
    """Starts a run, given the runs whose locks it may take over."""

END_WITHIN_S = 5.0
SILENT = "the run broke off without a word; look at its record: haconsole runs"


class Runs:
    """Carries plans out, one at a time, for the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._offering: asyncio.Task[None] | None = None

    @property
    def under_way(self) -> bool:
        return self._app.run_view is not None and not self._app.run_view.over

    @property
    def told(self) -> str:
        """The run under way in a few words, empty when there is none."""
        view = self._app.run_view
        return f"{view.plan.action} {len(view.ended)}/{len(view.plan.steps)}" if view and not view.over else ""

    def show(self) -> None:
        """Show the run under way, or the last one."""
        from haconsole.ui.screens.running import RunScreen

        if self._app.run_view is None:
            self._app.notify("nothing was run in this console yet", markup=False)
        elif not isinstance(self._app.screen, RunScreen):
            self._app.push_screen(RunScreen())

    def carry_out(self, plan: Plan, *, teaching: bool = False) -> None:
        """Begin a run and show it in place of its plan; `teaching` holds each step until a person lets it begin."""
        if self.refused():
            return
        from haconsole.ui.present.running import RunView

        view = RunView(plan, self._app.setting.clock(), paused=teaching, teaching=teaching)
        self._set_off(view, lambda session, adopt: session.run(plan, step_by_step=teaching, adopt=adopt))

    def history(self, at: str | None = None) -> None:
        """Show the runs there were, the cursor on the one called `at`."""
        from haconsole.ui.screens.history import HistoryScreen

        if not isinstance(self._app.screen, HistoryScreen):
            self._app.push_screen(HistoryScreen(at))

    def carry_on(self, record: RunRecord) -> None:
        """Carry a recorded run on and show it."""
        if self.refused():
            return
        from haconsole.ui.present.running import RunView

        run = record.heading.run
        view = RunView(record.plan, self._app.setting.clock(), run=run)
        self._set_off(view, lambda session, adopt: session.resume(run, adopt=adopt))

    def _set_off(self, view: RunView, begin: Begin) -> None:
        from haconsole.ui.screens.running import RunScreen

        self._app.run_view = view
        self._task = asyncio.create_task(self._run(view.plan, begin), name="run")
        self._app.switch_screen(RunScreen())

    def offer_broken_off(self) -> None:
        """Once, when hosts can be asked: show the newest run if it was broken off and a person wants to see it."""
        if self._offering is None and not self._app.read_only:
            self._offering = asyncio.create_task(self._offer_broken_off(), name="offer")

    async def _offer_broken_off(self) -> None:
        app = self._app
        try:
            await asyncio.to_thread(import_module, "haconsole.ui.present.history")
            from haconsole.ui.present.history import broken_off, offer_to_carry_on
            from haconsole.ui.screens.question import YesNoQuestion

            record = broken_off(await app.session.runs()) if app.session is not None else None
        except Exception as error:
            app.notify(faults.in_words(error), title="runs", severity="warning", markup=False)
            return
        if record is not None and app.run_view is None:
            run = record.heading.run
            question = YesNoQuestion(offer_to_carry_on(record, app.now))
            app.push_screen(question, lambda yes: self.history(run) if yes else None)

    def pause(self) -> None:
        """Hold every step that has not begun; where that is so already, let all go on and tell no more."""
        session, view = self._app.session, self._app.run_view
        if session is None or view is None:
            return
        if view.paused:
            session.let_through(all_steps=True)
            self._app.run_view = replace(view, paused=False, teaching=False)
        else:
            session.pause()
            self._app.run_view = replace(view, paused=True)

    def let_one_through(self) -> None:
        """Let the step that was held first begin."""
        if self._app.session is not None:
            self._app.session.let_through()

    def teach(self) -> None:
        """Hold each step and tell it in plain words from now on, or end that."""
        session, view = self._app.session, self._app.run_view
        if session is None or view is None:
            return
        if view.teaching:
            self.pause()
        else:
            session.pause()
            self._app.run_view = replace(view, paused=True, teaching=True)

    def stop(self, *, at_once: bool = False) -> None:
        """Have the run start no further step; `at_once` leaves those under way to their hosts."""
        app = self._app
        if app.session is not None and app.run_view is not None:
            app.session.stop(at_once=at_once)
            app.run_view = replace(app.run_view, stopping=True)

    async def close(self) -> None:
        """At the console's end: leave the steps under way to their hosts."""
        if self._offering is not None:
            self._offering.cancel()
        if self._task is not None and not self._task.done():
            self.stop(at_once=True)
            await asyncio.wait({self._task}, timeout=END_WITHIN_S)
            self._task.cancel()

    async def _run(self, plan: Plan, begin: Begin) -> None:
        """Take in the run's events; at its end look at the hosts once more and tell what is different."""
        app = self._app
        before, broken = app.state.snapshot, SILENT
        try:
            await self._unless_locked(begin)
        except Exception as error:
            broken = faults.in_words(error)
        if app.run_view is not None:
            app.run_view = replace(app.run_view, broken=None if app.run_view.done else broken)
            app.notify(f"{plan.action} is over: R shows how it went", markup=False)
            app.run_view = replace(app.run_view, changes=await self._changes_since(before))
            if app.run_view.done is not None and plan.leaves:
                await self._let_inventory_follow(plan, app.run_view.done.outcome)

    async def _let_inventory_follow(self, plan: Plan, outcome: Outcome) -> None:
        """A host has left: change the inventory's file, once a person has seen how, unless the plan has said so."""
        from haconsole.execution.events import Outcome
        from haconsole.inventory.follow import without
        from haconsole.ui.screens.question import YesNoQuestion
        from haconsole.ui.screens.running import inventory_follows

        app = self._app
        if app.setting.file is None or outcome not in (Outcome.DONE, Outcome.ALREADY):
            return
        try:
            change = await asyncio.to_thread(without, app.setting.file, plan.leaves)
            if change is None:
                return
            if not change.diff:
                app.notify(change.by_hand, title="inventory", markup=False)
            elif plan.updates_inventory or await self._asked(YesNoQuestion(inventory_follows(change))):
                await asyncio.to_thread(change.apply)
                app.notify(f"{change.path} is changed: open the console anew for it", title="inventory", markup=False)
        except HaconsoleError as error:
            app.notify(faults.in_words(error), title="inventory", severity="warning", markup=False)

    async def _changes_since(self, before: ClusterSnapshot | None) -> tuple[Change, ...]:
        """What a fresh look finds different; what the screen knows where no look can be taken."""
        from haconsole.ui.present.changes import changes

        app = self._app
        try:
            after = await app.session.snapshot() if app.session is not None else None
        except Exception:
            after = app.state.snapshot
        return changes(before, after) if before is not None and after is not None else ()

    async def _unless_locked(self, begin: Begin) -> None:
        """Run; where a console that is gone left its lock, take that over when a person says so."""
        from haconsole.execution.lock import LockedError

        try:
            await self._take_in(begin, frozenset())
        except LockedError as locked:
            if not locked.adoptable or not await self._may_take_over(locked):
                raise
            await self._take_in(begin, frozenset({locked.view.claim.run}))

    async def _may_take_over(self, locked: LockedError) -> bool:
        from haconsole.ui.screens.question import YesNoQuestion
        from haconsole.ui.screens.running import take_over

        return await self._asked(YesNoQuestion(take_over(locked.view)))

    async def _asked(self, question: YesNoQuestion) -> bool:
        """Whether a person said yes."""
        said: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._app.push_screen(question, lambda yes: said.set_result(yes is True))
        return await said

    async def _take_in(self, begin: Begin, adopt: frozenset[str]) -> None:
        session = self._app.session
        if session is None:
            return
        async for event in begin(session, adopt):
            if self._app.run_view is not None:
                self._app.run_view = self._app.run_view.after(event)

    def refused(self) -> bool:
        """Whether this console may change nothing; said aloud if so."""
        if self._app.read_only:
            says = "this console is read-only: nothing can be changed from here"
            self._app.notify(says, severity="warning", markup=False)
        return self._app.read_only
