"""Predicts from the hosts' current state which steps of a plan will change something."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haconsole.actions.step import Plan, Step
    from haconsole.model.names import StepId


class Forecast(StrEnum):
    """Whether a step will change something. DEPENDS: its effect is there, and an earlier step on its host changes
    something.
    """

    CHANGES = "changes"
    RIGHT = "right"
    DEPENDS = "depends"
    CHECKS = "checks"
    UNKNOWN = "unknown"


Forecasts = Mapping["StepId", Forecast]
HIDDEN = frozenset({Forecast.RIGHT, Forecast.CHECKS})
"""Steps that a plan shows on request only."""


def forecasts(plan: Plan, effects: Mapping[StepId, bool | None]) -> Forecasts:
    """`effects` are whether the effect of each step is there now, None where that is unknown."""
    result: dict[StepId, Forecast] = {}
    changing: dict[StepId, frozenset[str]] = {}
    for step in plan.steps:
        hosts = frozenset[str]().union(*(changing.get(need, frozenset()) for need in step.needs))
        result[step.id] = forecast = _forecast(step, effects.get(step.id), hosts)
        changing[step.id] = hosts | {step.host} if forecast in (Forecast.CHANGES, Forecast.UNKNOWN) else hosts
    return result


def _forecast(step: Step, effect: bool | None, changing_hosts: frozenset[str]) -> Forecast:
    from haconsole.actions.operations import Nothing

    if isinstance(step.operation, Nothing):
        return Forecast.CHECKS
    if not step.verification:
        return Forecast.CHANGES
    if effect is None:
        return Forecast.UNKNOWN
    if not effect:
        return Forecast.CHANGES
    return Forecast.DEPENDS if step.host in changing_hosts else Forecast.RIGHT
