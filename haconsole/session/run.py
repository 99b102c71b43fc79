"""One run of a plan on a live cluster: its events, and the controls over it.

STARTING --lock taken--> RUNNING <--pause, unpause--> PAUSED
    |                       |                           |
    |                       +---------- stop -----------+--> STOPPING --last event--> ENDED
    |                                                                                   ^
    +------------------------------------ stop ------------------------------------------+
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing

from haconsole.actions.step import Plan
from haconsole.errors import HaconsoleError
from haconsole.execution.events import Event
from haconsole.execution.steps.executor import Executor
from haconsole.execution.steps.gate import Pause
from haconsole.model.names import StepId
from haconsole.session import NotStartedError, RunState

OpenExecutor = Callable[[Pause], AbstractAsyncContextManager[Executor]]
"""Takes the cluster's lock and builds the executor, whose steps wait at the pause; closing it releases the lock."""


class LiveRun:
    """A run whose executor exists once the lock is held; earlier controls take effect at its first step."""

    def __init__(self, plan: Plan, open_executor: OpenExecutor, *, step_by_step: bool = False) -> None:
        self.plan = plan
        self._open_executor = open_executor
        self._pause = Pause(closed=step_by_step)
        self._executor: Executor | None = None
        self._stopping = False
        self._opening: asyncio.Task[Executor] | None = None
        self._ended = False

    @property
    def state(self) -> RunState:
        if self._ended:
            return RunState.ENDED
        if self._stopping:
            return RunState.STOPPING
        if self._executor is None:
            return RunState.STARTING
        return RunState.PAUSED if self._pause.closed else RunState.RUNNING

    async def events(self) -> AsyncGenerator[Event, None]:
        """Take the lock, run the plan, release the lock. Closing the iterator stops after the current steps."""
        try:
            async with AsyncExitStack() as stack:
                self._executor = executor = await self._opened(stack)
                if self._stopping:
                    executor.stop()
                async with aclosing(executor.events()) as events:
                    async for event in events:
                        yield event
        finally:
            self._ended = True

    async def _opened(self, stack: AsyncExitStack) -> Executor:
        """The executor, with the lock; `stop` cancels the wait for it, and the questions to a person with it."""
        opening = stack.enter_async_context(self._open_executor(self._pause))
        self._opening = asyncio.create_task(opening, name="open executor")
        if self._stopping:
            self._opening.cancel()
        try:
            return await self._opening
        except asyncio.CancelledError:
            self._opening.cancel()
            await asyncio.wait((self._opening,))
            if not self._stopping:
                raise
            raise NotStartedError(
                f"{self.plan.action} was stopped before its first step; nothing was changed"
            ) from None

    def pause(self) -> None:
        """Start no step until it is released or the pause ends; running steps finish."""
        self._check_not_ended()
        self._pause.close()

    def unpause(self) -> None:
        """Start every step again that can start."""
        self._check_not_ended()
        self._pause.open()

    def release(self, step: StepId) -> None:
        """Start one step that waits at the pause; raises HaconsoleError if it does not wait."""
        self._check_not_ended()
        if not self._pause.release(step):
            raise HaconsoleError(f"step {step} is not waiting at the pause", hint="release a step that is paused")

    def stop(self, *, at_once: bool = False) -> None:
        """Start no further step; `at_once` does not wait for the running ones either."""
        self._check_not_ended()
        self._stopping = True
        if self._executor is not None:
            self._executor.abandon() if at_once else self._executor.stop()
        elif self._opening is not None:
            self._opening.cancel()

    def _check_not_ended(self) -> None:
        if self._ended:
            raise HaconsoleError(f"the run of {self.plan.action} has ended", hint="read its log: haconsole runs")
