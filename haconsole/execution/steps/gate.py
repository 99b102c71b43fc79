"""Gates: the pause, the lock and the stop of a run can hold a step right before it is logged and performed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from haconsole.actions.step import Plan, Step
from haconsole.errors import HaconsoleError
from haconsole.model.names import StepId


class StoppedError(HaconsoleError):
    """A gate allows no further step; the run ends before this one, with this reason."""


class Gate(Protocol):
    """Called before every step that would be performed, right before its intent is logged."""

    async def before(self, step: Step) -> None:
        """Return when the step may start; raise StoppedError to end the run before it."""
        ...


class PausedTime:
    """Measures the time in which nothing worked because every running step was paused. `now` is a monotonic clock, in
    s.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._working = 0
        self._paused: dict[StepId, float] = {}
        self._all_held_since: float | None = None
        self._all_held_s = 0.0

    @property
    def seconds(self) -> float:
        """The time so far in which steps were paused and none worked."""
        running = self._now() - self._all_held_since if self._all_held_since is not None else 0.0
        return self._all_held_s + running

    def begin(self) -> None:
        self._working += 1
        self._settle()

    def pause(self, step: StepId) -> None:
        self._paused[step] = self._now()
        self._working -= 1
        self._settle()

    def resume(self, step: StepId) -> float:
        """The step works again; returns the length of its pause."""
        self._working += 1
        held_s = self._now() - self._paused.pop(step)
        self._settle()
        return held_s

    def end(self) -> None:
        self._working -= 1
        self._settle()

    def _settle(self) -> None:
        idle = bool(self._paused) and self._working == 0
        if idle and self._all_held_since is None:
            self._all_held_since = self._now()
        elif not idle and self._all_held_since is not None:
            self._all_held_s += self._now() - self._all_held_since
            self._all_held_since = None


class Pause:
    """Holds every step while it is closed; releases the held steps one at a time, or all.

    The next step released is the one that is named, else the first of the held ones in the plan's order. Steps that
    must start with a step that was released, or that started before the pause, are not held.
    A released step is not held a second time.
    """

    def __init__(self, *, closed: bool = False) -> None:
        self._closed = closed
        self._order: dict[StepId, int] = {}
        self._paused: dict[StepId, tuple[Step, asyncio.Future[None]]] = {}
        self._released: set[StepId] = set()

    @property
    def closed(self) -> bool:
        return self._closed

    def arrange(self, plan: Plan) -> None:
        """Release held steps in the order of this plan."""
        self._order = {step.id: number for number, step in enumerate(plan.steps)}

    def close(self) -> None:
        self._closed = True

    def open(self) -> None:
        """Release every step, current and future ones."""
        self._closed = False
        while self.one():
            pass

    def one(self) -> bool:
        """Release the next held step; whether there was one."""
        return bool(self._paused) and self.release(min(self._paused, key=lambda step: self._order.get(step, 0)))

    def release(self, paused_step: StepId) -> bool:
        """Release the step of that ID; whether it was held."""
        if paused_step not in self._paused:
            return False
        step, _ = self._paused[paused_step]
        for released in (step.id, *step.starts_with):
            self._released.add(released)
            _, waiting = self._paused.pop(released, (step, None))
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
        return True

    def holds(self, step: Step) -> bool:
        """Whether the step would be held now."""
        return self._closed and step.id not in self._released

    async def before(self, step: Step) -> None:
        if not self.holds(step):
            self._released |= {step.id, *step.starts_with}
        else:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._paused[step.id] = (step, waiting)
            try:
                await waiting
            finally:
                self._paused.pop(step.id, None)
