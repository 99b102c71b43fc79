"""Runs kept: one goes on whichever screen is up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from haconsole.ui import faults
from haconsole.ui.aftermath import changes_since, let_inventory_follow
from haconsole.ui.consent import refused, unless_locked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from haconsole.actions.step import Plan
    from haconsole.execution.events import Event
    from haconsole.execution.records import RunRecord
    from haconsole.session import Session
    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.present.running import RunView

    Begin = Callable[[Session, frozenset[str]], AsyncIterator[Event]]
    """Starts a run, given the runs whose locks it may take over."""

END_WITHIN_S = 5.0
SILENT = "the run broke off without a word; look at its record: haconsole runs"


class Runs:
    """Carries plans out, one at a time, for the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None

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
        if refused(self._app):
            return
        from haconsole.ui.present.running import RunView

        view = RunView(plan, self._app.setting.clock(), paused=teaching, teaching=teaching)
        self._set_off(view, lambda session, adopt: session.run(plan, step_by_step=teaching, adopt=adopt))

    def carry_on(self, record: RunRecord) -> None:
        """Carry a recorded run on and show it."""
        if refused(self._app):
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
        if self._task is not None and not self._task.done():
            self.stop(at_once=True)
            await asyncio.wait({self._task}, timeout=END_WITHIN_S)
            self._task.cancel()

    async def _run(self, plan: Plan, begin: Begin) -> None:
        """Take in the run's events; at its end look at the hosts once more and tell what is different."""
        app = self._app
        before, broken = app.state.snapshot, SILENT
        try:
            await unless_locked(app, lambda adopt: self._take_in(begin, adopt))
        except Exception as error:
            broken = faults.in_words(error)
        if app.run_view is not None:
            app.run_view = replace(app.run_view, broken=None if app.run_view.done else broken)
            app.notify(f"{plan.action} is over: R shows how it went", markup=False)
            app.run_view = replace(app.run_view, changes=await changes_since(app, before))
            if app.run_view.done is not None and plan.leaves:
                await let_inventory_follow(app, plan, app.run_view.done.outcome)

    async def _take_in(self, begin: Begin, adopt: frozenset[str]) -> None:
        session = self._app.session
        if session is None:
            return
        async for event in begin(session, adopt):
            if self._app.run_view is not None:
                self._app.run_view = self._app.run_view.after(event)
