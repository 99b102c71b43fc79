"""Actions begun and runs kept: a run goes on whichever screen is up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from haconsole.ui import faults

if TYPE_CHECKING:
    from haconsole.actions.step import Plan
    from haconsole.model.snapshot import ClusterSnapshot
    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.present.changes import Change

END_WITHIN_S = 5.0
SILENT = "the run broke off without a word; look at its record: haconsole runs"


class Runs:
    """Leads from an action to its plan and its run, one at a time, for the app that owns it."""

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

    def offer(self) -> None:
        """Let a person choose an action, those for what the cursor is on first."""
        if self._refused():
            return
        from haconsole.actions.catalogue import catalogue
        from haconsole.ui.present.offers import offered
        from haconsole.ui.screens.palette import Palette

        state = self._app.state
        commands = offered(catalogue(), self._app.subject, state.snapshot, state.findings)
        self._app.push_screen(Palette("actions", commands, beside="FOR"), self._app.chosen)

    def begin(self, name: str) -> None:
        """Begin an action: with its form, or with its plan where there is nothing to fill in."""
        if self._refused():
            return
        from haconsole.actions.catalogue import find_action
        from haconsole.ui.present.form import form_for
        from haconsole.ui.present.offers import given_by
        from haconsole.ui.present.standing import host_of
        from haconsole.ui.screens.acting import FormScreen, PlanScreen

        app, action = self._app, find_action(name)
        if not action.arguments:
            app.push_screen(PlanScreen(action, {}))
            return
        given = given_by(action, host_of(app.subject, app.state.snapshot))
        app.push_screen(FormScreen(form_for(action, tuple(host.name for host in app.inventory.hosts), given)))

    def show(self) -> None:
        """Show the run under way, or the last one."""
        from haconsole.ui.screens.running import RunScreen

        if self._app.run_view is None:
            self._app.notify("nothing was run in this console yet", markup=False)
        elif not isinstance(self._app.screen, RunScreen):
            self._app.push_screen(RunScreen())

    def carry_out(self, plan: Plan, *, teaching: bool = False) -> None:
        """Begin a run and show it in place of its plan; `teaching` holds each step until a person lets it begin."""
        if self._refused():
            return
        from haconsole.ui.present.running import RunView
        from haconsole.ui.screens.running import RunScreen

        self._app.run_view = RunView(plan, self._app.setting.clock(), paused=teaching, teaching=teaching)
        self._task = asyncio.create_task(self._run(plan), name="run")
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

    async def _run(self, plan: Plan) -> None:
        """Take in the run's events; at its end look at the hosts once more and tell what is different."""
        app = self._app
        before, broken = app.state.snapshot, SILENT
        try:
            await self._take_in(plan)
        except Exception as error:
            broken = faults.in_words(error)
        if app.run_view is not None:
            app.run_view = replace(app.run_view, broken=None if app.run_view.done else broken)
            app.notify(f"{plan.action} is over: R shows how it went", markup=False)
            app.run_view = replace(app.run_view, changes=await self._changes_since(before))

    async def _changes_since(self, before: ClusterSnapshot | None) -> tuple[Change, ...]:
        """What a fresh look finds different; what the screen knows where no look can be taken."""
        from haconsole.ui.present.changes import changes

        app = self._app
        try:
            after = await app.session.snapshot() if app.session is not None else None
        except Exception:
            after = app.state.snapshot
        return changes(before, after) if before is not None and after is not None else ()

    async def _take_in(self, plan: Plan) -> None:
        app = self._app
        if app.session is None:
            return
        by_steps = app.run_view is not None and app.run_view.paused
        async for event in app.session.run(plan, step_by_step=by_steps):
            if app.run_view is not None:
                app.run_view = app.run_view.after(event)

    def _refused(self) -> bool:
        """Whether this console may change nothing; said aloud if so."""
        if self._app.read_only:
            says = "this console is read-only: nothing can be changed from here"
            self._app.notify(says, severity="warning", markup=False)
        return self._app.read_only
