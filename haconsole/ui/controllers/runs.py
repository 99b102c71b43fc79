"""The current run, independent of the current screen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from haconsole.errors import HaconsoleError
from haconsole.ui import error_text
from haconsole.ui.guards import refused
from haconsole.ui.post_run import changes_since, let_inventory_follow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from haconsole.actions.step import Plan, StepId
    from haconsole.execution.log.run_record import RunRecord
    from haconsole.present.running import RunView
    from haconsole.session import Run, Session
    from haconsole.ui.app import ConsoleApp

    Begin = Callable[[Session], Awaitable[Run]]

END_WITHIN_S = 5.0
SILENT = "the run ended without a result; read its log: haconsole runs"


class RunController:
    """Runs plans, one at a time, for the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._run: Run | None = None

    @property
    def under_way(self) -> bool:
        return self._app.run_view is not None and not self._app.run_view.over

    @property
    def _live(self) -> Run | None:
        """The current run, for its controls."""
        from haconsole.session import RunState

        return self._run if self._run is not None and self._run.state is not RunState.ENDED else None

    @property
    def summary(self) -> str:
        """The current run in a few words, empty when there is none."""
        view = self._app.run_view
        return f"{view.plan.action} {len(view.ended)}/{len(view.plan.steps)}" if view and not view.over else ""

    def show(self) -> None:
        """Show the current run, or the last one."""
        from haconsole.ui.screens.running import RunScreen

        if self._app.run_view is None:
            self._app.notify("no run was started in this console yet", markup=False)
        elif not isinstance(self._app.screen, RunScreen):
            self._app.push_screen(RunScreen())

    def carry_out(self, plan: Plan, *, teaching: bool = False) -> None:
        """Start a run and show it instead of its plan; with `teaching` each step waits for its release."""
        if refused(self._app):
            return
        from haconsole.present.running import RunView

        view = RunView(plan, self._app.setting.clock(), paused=teaching, teaching=teaching)

        async def begin(session: Session) -> Run:
            return session.start(plan, step_by_step=teaching)

        self._set_off(view, begin)

    def carry_on(self, record: RunRecord) -> None:
        """Resume a recorded run and show it."""
        if refused(self._app):
            return
        from haconsole.present.running import RunView

        run = record.header.run
        view = RunView(record.plan, self._app.setting.clock(), run=run)
        self._set_off(view, lambda session: session.resume(run))

    def _set_off(self, view: RunView, begin: Begin) -> None:
        from haconsole.ui.screens.running import RunScreen

        self._app.run_view, self._run = view, None
        self._task = asyncio.create_task(self._follow(view.plan, begin), name="run")
        self._app.switch_screen(RunScreen())

    def pause(self) -> None:
        """Pause the run: start no further step. A paused run continues, without explanations."""
        run, view = self._live, self._app.run_view
        if run is None or view is None:
            self._app.bell()
            return
        if view.paused:
            run.unpause()
            self._app.run_view = replace(view, paused=False, teaching=False)
        else:
            run.pause()
            self._app.run_view = replace(view, paused=True)

    def release(self, step: StepId) -> None:
        """Start one held step, and none while another one is under way: a person sees each result first."""
        run, view = self._live, self._app.run_view
        if run is None or view is None:
            self._app.bell()
            return
        from haconsole.present.plan import step_title

        busy = next(iter(view.working), None)
        try:
            if busy is None:
                run.release(step)
        except HaconsoleError:
            busy = step  # an earlier press of the key released it, and the event is still to come
        if busy is not None:
            self._app.notify(f"not started: {step_title(view.plan, busy)} is under way; wait for its end", markup=False)

    def teach(self) -> None:
        """Start or end teach-me mode: each step is explained and waits for its release."""
        run, view = self._live, self._app.run_view
        if run is None or view is None:
            self._app.bell()
            return
        if view.teaching:
            self.pause()
        else:
            run.pause()
            self._app.run_view = replace(view, paused=True, teaching=True)

    def stop(self, *, at_once: bool = False) -> None:
        """Start no further step; `at_once` leaves the running ones to their hosts."""
        app, run = self._app, self._live
        if run is not None and app.run_view is not None:
            run.stop(at_once=at_once)
            app.run_view = replace(app.run_view, stopping=True)
        else:
            app.bell()

    async def close(self) -> None:
        """At the console's end: leave the running steps to their hosts."""
        if self._task is not None and not self._task.done():
            if self._live is not None:
                self._live.stop(at_once=True)
            await asyncio.wait({self._task}, timeout=END_WITHIN_S)
            self._task.cancel()

    async def _follow(self, plan: Plan, begin: Begin) -> None:
        """Follow the run to its end, then read the hosts again and show the changes."""
        app = self._app
        before, interruption = app.state.snapshot, SILENT
        try:
            await self._take_in(begin)
        except Exception as error:
            interruption = error_text.in_words(error)
        if app.session is not None:
            app.session.observer.refresh()
        if app.run_view is not None:
            app.run_view = replace(app.run_view, interruption=None if app.run_view.done else interruption)
            app.notify(f"{plan.action} has ended: R shows the result", markup=False)
            app.run_view = replace(app.run_view, changes=await changes_since(app, before))
            if app.run_view.done is not None and plan.departing_host:
                await let_inventory_follow(app, plan, app.run_view.done.outcome)

    async def _take_in(self, begin: Begin) -> None:
        session = self._app.session
        if session is None:
            return
        self._run = await begin(session)
        async for event in self._run.events():
            if self._app.run_view is not None:
                self._app.run_view = self._app.run_view.after(event)
