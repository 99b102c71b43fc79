"""The current run, independent of the current screen: started, controlled, followed to its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from haconsole.errors import HaconsoleError
from haconsole.ui import error_text
from haconsole.ui.console import may_change, run_under_way
from haconsole.ui.messages import (
    PauseRun,
    Quit,
    ReadBackup,
    ReleaseStep,
    ResumeRun,
    RunRequest,
    ShowOutcome,
    ShowRun,
    StartRun,
    StopRun,
    TeachRun,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from haconsole.actions.step import Plan
    from haconsole.execution.events import Outcome
    from haconsole.execution.log.run_record import RunRecord
    from haconsole.model.names import StepId
    from haconsole.model.snapshot import ClusterSnapshot
    from haconsole.present.changes import SnapshotChange
    from haconsole.present.running import RunView
    from haconsole.session import Run, Session
    from haconsole.ui.console import Console

    Begin = Callable[[Session], Awaitable[Run]]

END_WITHIN_S = 5.0
SILENT = "the run ended without a result; read its log: haconsole runs"


class RunController:
    """Runs plans, one at a time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._task: asyncio.Task[None] | None = None
        self._run: Run | None = None

    def fulfil(self, request: RunRequest) -> None:
        match request:
            case ShowRun():
                self.show()
            case ShowOutcome():
                show_outcome(self._console)
            case StartRun(plan=plan, teaching=teaching):
                self._console.run_worker(self._start(plan, teaching=teaching), exit_on_error=False)
            case ResumeRun(record=record, override=override):
                self.resume(record, override)
            case PauseRun() | TeachRun() | ReleaseStep() | StopRun():
                self._control(request)
            case Quit():
                self._console.run_worker(self._quit(), exit_on_error=False)
            case _:
                assert_never(request)

    def show(self) -> None:
        """Show the current run, or the last one."""
        from haconsole.ui.screens.running import RunScreen

        if self._console.run_view is None:
            self._console.notify("no run was started in this console yet", markup=False)
        elif isinstance(self._console.screen, RunScreen):
            self._console.notify("this screen shows the run", timeout=4, markup=False)
        else:
            self._console.push_screen(RunScreen())

    async def _start(self, plan: Plan, *, teaching: bool) -> None:
        """Start a run, if a person agrees, and show it instead of its plan.

        With `teaching` each step waits for its release.
        """
        from haconsole.present.running import RunView
        from haconsole.ui.screens.acting import agreement
        from haconsole.ui.screens.override import by_name, override_reason

        console = self._console
        if not may_change(console):
            return
        if run_under_way(console):
            console.notify("another run is running: press R to show it", severity="warning", markup=False)
            return
        override = await override_reason(console, plan)
        if override is None:
            return
        if await console.push_screen_wait(agreement(plan, teaching=teaching, by_name=by_name(console, plan))):
            view = RunView(plan, self._console.setting.clock(), paused=teaching, teaching=teaching)

            async def begin(session: Session) -> Run:
                return session.start(plan, step_by_step=teaching, override=override)

            self._set_off(view, begin)

    def resume(self, record: RunRecord, override: str = "") -> None:
        """Resume a logged run and show it; `override` is the reason to override guardrails."""
        if not may_change(self._console):
            return
        from haconsole.present.running import RunView

        run = record.header.run
        view = RunView(record.plan, self._console.setting.clock(), run=run)
        self._set_off(view, lambda session: session.resume(run, override=override))

    def _set_off(self, view: RunView, begin: Begin) -> None:
        from haconsole.ui.screens.running import RunScreen

        self._console.run_view, self._run = view, None
        self._task = asyncio.create_task(self._follow(view.plan, begin), name="run")
        self._console.switch_screen(RunScreen())

    def _control(self, request: PauseRun | TeachRun | ReleaseStep | StopRun) -> None:
        """Control the current run; show the reason if it cannot be controlled now."""
        from haconsole.session import RunState

        run, view = self._run, self._console.run_view
        if view is None or view.over or (run is not None and run.state is RunState.ENDED):
            self._console.notify("the run has ended", severity="warning", timeout=4, markup=False)
        elif run is None:
            self._console.notify("the run is being prepared; try again in a moment", timeout=4, markup=False)
        elif isinstance(request, PauseRun):
            self._pause(run, view, paused=request.paused, teaching=view.teaching and request.paused)
        elif isinstance(request, TeachRun):
            self._pause(run, view, paused=not view.teaching, teaching=not view.teaching)
        elif isinstance(request, ReleaseStep):
            self._release(run, view, request.step)
        elif view.stopping:
            self._console.run_worker(self._leave_steps(run), exit_on_error=False)
        else:
            run.stop()
            self._console.run_view = replace(view, stopping=True)

    def _pause(self, run: Run, view: RunView, *, paused: bool, teaching: bool) -> None:
        """Pause every step that has not started, or start all of them again."""
        if paused:
            run.pause()
        else:
            run.unpause()
        self._console.run_view = replace(view, paused=paused, teaching=teaching)

    def _release(self, run: Run, view: RunView, step: StepId) -> None:
        """Start one held step, and none while another one is under way: a person sees each result first."""
        from haconsole.present.plan import step_title

        busy = next(iter(view.working), None)
        try:
            if busy is None:
                run.release(step)
        except HaconsoleError:
            busy = step  # an earlier press of the key released it, and the event is still to come
        if busy is not None:
            text = f"not started: {step_title(view.plan, busy)} is under way; wait for its end"
            self._console.notify(text, markup=False)

    async def _leave_steps(self, run: Run) -> None:
        """Leave the running steps to their hosts, if a person agrees."""
        from haconsole.ui.screens.question import answer
        from haconsole.ui.screens.running import LEAVE_TO_HOSTS

        if await answer(self._console, LEAVE_TO_HOSTS) and run_under_way(self._console):
            run.stop(at_once=True)

    async def _quit(self) -> None:
        """Close the console; during a run only after a confirmation."""
        from haconsole.ui.screens.question import answer
        from haconsole.ui.screens.running import LEAVE_CONSOLE

        if not run_under_way(self._console) or await answer(self._console, LEAVE_CONSOLE):
            self._console.exit()

    async def close(self) -> None:
        """At the console's end: leave the running steps to their hosts."""
        if self._task is not None and not self._task.done():
            if self._run is not None and run_under_way(self._console):
                self._run.stop(at_once=True)
            await asyncio.wait({self._task}, timeout=END_WITHIN_S)
            self._task.cancel()

    async def _follow(self, plan: Plan, begin: Begin) -> None:
        """Follow the run to its end, then read the hosts again and show the changes."""
        console = self._console
        before, interruption = console.state.snapshot, SILENT
        try:
            await self._take_in(begin)
        except Exception as error:
            interruption = error_text.in_words(error)
        if console.session is not None:
            console.session.observer.refresh()
        console.post_message(ReadBackup())
        if console.run_view is not None:
            console.run_view = replace(console.run_view, interruption=None if console.run_view.end else interruption)
            show_end(console, plan)
            console.run_view = replace(console.run_view, changes=await changes_since(console, before))
            if console.run_view.end is not None and plan.departing_host:
                await update_inventory(console, plan, console.run_view.end.outcome)

    async def _take_in(self, begin: Begin) -> None:
        session = self._console.session
        if session is None:
            return
        self._run = await begin(session)
        self._console.run_worker(estimate(self._console, session), name="estimate", exit_on_error=False)
        async for event in self._run.events():
            if self._console.run_view is not None:
                self._console.run_view = self._console.run_view.after(event)


def show_outcome(console: Console) -> None:
    """Show the result of the run, and the changes on the cluster once they are known."""
    from haconsole.ui.screens.running import OutcomeWindow

    if console.run_view is not None:
        console.push_screen(OutcomeWindow(console.run_view))


def show_end(console: Console, plan: Plan) -> None:
    """Show the result to a person who follows the run; others are only notified."""
    from haconsole.ui.screens.running import RunScreen

    if isinstance(console.screen, RunScreen):
        show_outcome(console)
    else:
        console.notify(f"{plan.action} has ended: press R to show the result", markup=False)


async def estimate(console: Console, session: Session) -> None:
    """Add the times of earlier runs to the view; without them there is no estimate."""
    from haconsole.present.run_time import earlier_seconds

    with suppress(HaconsoleError, OSError):
        records = await session.history.runs()
        view = console.run_view
        if view is not None:
            console.run_view = replace(view, earlier_s=earlier_seconds(records, view.plan))


async def changes_since(console: Console, before: ClusterSnapshot | None) -> tuple[SnapshotChange, ...]:
    """The differences after reading the hosts again; those of the screen's data if they cannot be read."""
    from haconsole.present.changes import changes

    try:
        after = (await console.session.observer.status()).snapshot if console.session is not None else None
    except Exception:
        after = console.state.snapshot
    return changes(before, after) if before is not None and after is not None else ()


async def update_inventory(console: Console, plan: Plan, outcome: Outcome) -> None:
    """A host has left: change the inventory's file, after a person has confirmed the change, unless the plan requires
    it.
    """
    from haconsole.execution.events import Outcome
    from haconsole.inventory.follow import without
    from haconsole.ui.screens.question import answer
    from haconsole.ui.screens.running import inventory_follows

    if console.setting.file is None or outcome not in (Outcome.DONE, Outcome.ALREADY):
        return
    try:
        change = await asyncio.to_thread(without, console.setting.file, plan.departing_host)
        if change is None:
            return
        if not change.diff:
            console.notify(change.by_hand, title="inventory", markup=False)
        elif plan.updates_inventory or await answer(console, inventory_follows(change)):
            await asyncio.to_thread(change.apply)
            text = f"{change.path} was changed: restart the console to load it"
            console.notify(text, title="inventory", markup=False)
    except HaconsoleError as error:
        console.notify(error_text.in_words(error), title="inventory", severity="warning", markup=False)
