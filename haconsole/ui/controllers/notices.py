"""Notifies the operator by the terminal and by a hook, once for each event."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haconsole.present.notices import FindingWatch, Notice
    from haconsole.present.running import RunView
    from haconsole.ui.console import Console
    from haconsole.ui.state import ConsoleState


class NoticeController:
    """Watches the console's state and run; signals the terminal, and calls the hook for one notice at a time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._findings: FindingWatch | None = None
        self._noticed_run = ""
        self._hook_turn = asyncio.Lock()
        self._last_problem = ""

    def start(self) -> None:
        """Watch, unless nobody is to be notified."""
        console = self._console
        if console.setting.signal or console.setting.hook:
            console.watch(console, "state", self._on_state, init=False)
            console.watch(console, "run_view", self._on_run, init=False)

    def _on_state(self, state: ConsoleState) -> None:
        from haconsole.model.status import ClusterStatus
        from haconsole.present.notices import FindingWatch

        if state.snapshot is None:
            return
        watch = self._findings or FindingWatch(silent=True)
        self._findings, notices = watch.after(ClusterStatus(state.snapshot, state.findings, state.health))
        for notice in notices:
            self._send(notice)

    def _on_run(self, view: RunView | None) -> None:
        from haconsole.present.notices import run_ended

        if view is None or not view.over or view.run == self._noticed_run:
            return
        self._noticed_run = view.run
        console = self._console
        outcome = str(view.end.outcome) if view.end is not None else view.interruption or "unknown"
        at, cluster = console.setting.clock(), view.plan.cluster
        self._send(run_ended(cluster, at, run=view.run, action=view.plan.action, outcome=outcome))

    def _send(self, notice: Notice) -> None:
        from haconsole.present.notices import TerminalSignal, signal_text

        console = self._console
        text = signal_text(TerminalSignal(console.setting.signal or "none"), notice)
        driver = console._driver
        if text and driver is not None:
            driver.write(text)
        if console.setting.hook:
            console.run_worker(self._call_hook(notice), name="hook", exit_on_error=False)

    async def _call_hook(self, notice: Notice) -> None:
        """Call the hook after those before it; a failure is shown once while it stays the same."""
        from haconsole.session.hook import call_hook

        async with self._hook_turn:
            problem = await call_hook(self._console.setting.hook, notice.json)
        if problem and problem != self._last_problem:
            self._console.notify(problem, title="hook", severity="warning", markup=False)
        self._last_problem = problem
