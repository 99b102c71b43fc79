"""Selects the steps that may start now: their needs have ended, their host has a free slot, the longest remaining path
first.
"""

from __future__ import annotations

import heapq

from haconsole.actions.step import Plan, Step
from haconsole.errors import HaconsoleError
from haconsole.model.names import HostName, StepId


class Schedule:
    """The steps of a plan that have not started; at most `places` of a host run at once."""

    def __init__(self, plan: Plan, places: int) -> None:
        self._steps = {step.id: step for step in plan.steps}
        self._open = {step.id: set(step.needs) for step in plan.steps}
        self._behind = _behind(plan)
        self._ranks = _ranks(plan, self._behind)
        self._order = {step.id: number for number, step in enumerate(plan.steps)}
        self._free = {step.host: places for step in plan.steps}
        self._ready: dict[HostName, list[tuple[int, int, StepId]]] = {}
        for step in plan.steps:
            if not step.needs:
                self._queue(step)

    def start(self) -> tuple[Step, ...]:
        """The steps to start now; each occupies its slot until `ended` is called for it."""
        started_steps: list[Step] = []
        for host, ready in self._ready.items():
            while ready and self._free[host]:
                self._free[host] -= 1
                started_steps.append(self._steps[heapq.heappop(ready)[2]])
        return tuple(started_steps)

    def ended(self, step: Step) -> None:
        """Frees its slot, whatever its result; steps that waited only for it become ready."""
        self._free[step.host] += 1
        for behind in self._behind[step.id]:
            self._open[behind].discard(step.id)
            if not self._open[behind]:
                self._queue(self._steps[behind])

    def _queue(self, step: Step) -> None:
        place = (-self._ranks[step.id], self._order[step.id], step.id)
        heapq.heappush(self._ready.setdefault(step.host, []), place)


def _behind(plan: Plan) -> dict[StepId, list[StepId]]:
    """For each step those that need it. Raises HaconsoleError if a plan is not in the order of its needs."""
    behind: dict[StepId, list[StepId]] = {}
    for step in plan.steps:
        for need in set(step.needs):
            if need not in behind:
                raise HaconsoleError(
                    f"step {step.id} needs {need}, which does not come before it in the plan", hint="fix the planner"
                )
            behind[need].append(step.id)
        behind[step.id] = []
    return behind


def _ranks(plan: Plan, behind: dict[StepId, list[StepId]]) -> dict[StepId, int]:
    """For each step the length of the longest chain of steps behind it."""
    ranks: dict[StepId, int] = {}
    for step in reversed(plan.steps):
        ranks[step.id] = max((1 + ranks[one] for one in behind[step.id]), default=0)
    return ranks
