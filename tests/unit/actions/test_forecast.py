"""Which steps of a plan will change something, by the effects that hosts show now."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.forecast import Forecast, forecasts
from haconsole.actions.operations import Nothing
from haconsole.actions.step import Plan
from haconsole.model.names import StepId
from haconsole.present.plan import changing_steps, plan_table
from tests.fakes.plans import PLAN, step

WRITE, ONE, TWO, THREE = PLAN.steps


def test_a_step_on_a_host_that_changes_first_depends_on_that() -> None:
    effects = {WRITE.id: False, ONE.id: True, TWO.id: True, THREE.id: None}
    assert forecasts(PLAN, effects) == {
        WRITE.id: Forecast.CHANGES,
        ONE.id: Forecast.DEPENDS,
        TWO.id: Forecast.RIGHT,
        THREE.id: Forecast.UNKNOWN,
    }


def test_the_dependency_passes_through_other_steps() -> None:
    between = replace(step(2, "Wait", "wait"), needs=(WRITE.id,))
    last = replace(step(1, "Reload", "reload"), needs=(between.id,))
    plan = Plan("bootstrap", "lab", (WRITE, between, last))
    effects = {WRITE.id: False, between.id: True, last.id: True}
    assert forecasts(plan, effects)[last.id] is Forecast.DEPENDS


def test_checks_and_steps_without_verification() -> None:
    look = replace(step(1, "Look", "look"), operation=Nothing())
    always = replace(step(1, "Notify", "notify"), verification=())
    plan = Plan("bootstrap", "lab", (look, always))
    assert forecasts(plan, {StepId(look.id): True}) == {look.id: Forecast.CHECKS, always.id: Forecast.CHANGES}


def test_a_plan_shows_what_changes_first_and_the_rest_on_request() -> None:
    known = forecasts(PLAN, {WRITE.id: False, ONE.id: True, TWO.id: True, THREE.id: True})
    assert [one.id for one in changing_steps(PLAN, known)] == [WRITE.id, ONE.id]
    brief = plan_table(PLAN, (), known, everything=False)
    assert [row.cells[0].text for row in brief.rows] == ["1", "2"]
    assert brief.summaries[0].text == "1 will change something, 1 depend on them, 2 already right, 0 only check"
    assert len(plan_table(PLAN, (), known).rows) == 4
    nothing = forecasts(PLAN, dict.fromkeys((WRITE.id, ONE.id, TWO.id, THREE.id), True))
    assert plan_table(PLAN, (), nothing, everything=False).empty.text == "no change: every step is already in effect"
