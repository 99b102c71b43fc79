"""Reads from the hosts which steps of a plan will change something; changes nothing."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from haconsole.actions.forecast import Forecasts, forecasts
from haconsole.actions.step import Plan, Step
from haconsole.configs.layout import layout
from haconsole.errors import HaconsoleError
from haconsole.inventory.schema import Inventory
from haconsole.model.names import StepId
from haconsole.transport.base import Fleet

if TYPE_CHECKING:
    from haconsole.execution.verify.checks import Checks

WITHIN_S = 20.0
"""The time limit for all checks; a step without an answer by then is unknown."""


async def read_forecasts(plan: Plan, inventory: Inventory, fleet: Fleet) -> Forecasts:
    """The forecast of each step, by the same checks that decide in a run if a step is skipped."""
    from haconsole.actions.operations import Nothing
    from haconsole.execution.clock import SystemClock
    from haconsole.execution.context import ExecutionContext
    from haconsole.execution.host.host_state import HostStateReader
    from haconsole.execution.verify.checks import Checks
    from haconsole.execution.verify.cluster import ClusterChecks
    from haconsole.probes.context import ClusterContext, ProbeTimings

    reader, clock = HostStateReader(fleet), SystemClock()
    cluster = ClusterContext(inventory, layout(inventory), fleet, clock.now, secrets.token_bytes(16), ProbeTimings())
    checks = Checks(ExecutionContext(cluster, reader, clock, ""), plan, ClusterChecks(cluster))
    effects: dict[StepId, bool | None] = {}
    steps = tuple(step for step in plan.steps if step.verification and not isinstance(step.operation, Nothing))
    try:
        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(_read(checks, step, effects))
    except TimeoutError:
        pass
    finally:
        await reader.close()
    return forecasts(plan, effects)


async def _read(checks: Checks, step: Step, effects: dict[StepId, bool | None]) -> None:
    try:
        result = await checks.ask(step.verification, step)
    except (HaconsoleError, OSError):
        return
    if not result.unknown:
        effects[step.id] = result.holds
