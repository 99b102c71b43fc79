"""Details of steps: a step that only looks shows each check once."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from haconsole.actions.describe import script_of
from haconsole.actions.operations import LeftByUndo, Nothing
from haconsole.present.cells import text_of
from haconsole.present.detail import detail_lines
from haconsole.present.plan import about_step, undo_sentence
from haconsole.present.row_keys import StepKey
from tests.fakes.plans import PLAN
from tests.unit.actions.test_bootstrap_plan import planned, spread


def test_a_look_shows_each_check_once() -> None:
    plan = planned(spread())
    looks = [step for step in plan.steps if isinstance(step.operation, Nothing)]
    assert any(step.precondition for step in looks)
    for step in looks:
        output = about_step(plan, StepKey(step.id))
        assert output is not None
        lines = [text_of(line) for line in detail_lines(output, 400)]
        assert [line for line, times in Counter(lines).items() if line and times > 1] == []
        assert "Preconditions" in lines
        assert not any("the plan has no undo for this step" in line for line in lines)


def test_a_script_is_named_in_its_command_and_shown_line_by_line_below() -> None:
    plan = planned(spread())
    step = next(step for step in plan.steps if script_of(step.operation))
    output = about_step(plan, StepKey(step.id))
    assert output is not None
    lines = [text_of(line) for line in detail_lines(output, 400)]
    text = (script_of(step.operation) or "").splitlines()
    assert len(text) > 1
    assert lines[-len(text) - 1 :] == ["Script", *(f"│ {line}" for line in text)]
    assert not any(text[0] in line for line in lines[: -len(text)])


def test_a_confirmation_promises_no_more_than_undo_does() -> None:
    assert undo_sentence(PLAN).endswith("can be undone.")
    harmless = replace(PLAN.steps[0], undo=LeftByUndo("a snapshot does no harm"))
    assert "skips steps marked `stays`" in undo_sentence(replace(PLAN, steps=(harmless, *PLAN.steps[1:])))
