"""Guardrails on the screen: named in the action list and with the plan, overridden only with a reason."""

from __future__ import annotations

import msgspec

from haconsole.inventory.guardrail import Guardrail, GuardrailKind
from haconsole.ui.controllers.actions import stops_by_action
from tests.fakes.cluster import INVENTORY, healthy
from tests.fakes.plans import PLAN, running_events
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows

NEVER = Guardrail(rule=GuardrailKind.REFUSE, reason="Rebuilt by the pipeline.", actions=("bootstrap",))
TYPED = Guardrail(rule=GuardrailKind.TYPED_NAME, reason="Call the on-call first.", actions=("bootstrap",))


def guarded(*guardrails: Guardrail) -> FakeSession:
    inventory = msgspec.structs.replace(INVENTORY, guardrails=guardrails)
    return FakeSession(healthy(), inventory=inventory, plans={"bootstrap": PLAN}, events=running_events())


async def test_a_guardrail_is_named_in_the_list_and_with_the_plan_and_needs_a_reason() -> None:
    session = guarded(NEVER)
    async with running(console(session), (80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("a", *"boots")
        await settled(pilot)
        assert "bootstrap: refused: Rebuilt by" in screen_text(pilot.app)
        await pilot.press("enter", "enter")
        await shows(pilot, "✖ guardrail: bootstrap: refused")
        await pilot.press("r")
        await shows(pilot, "To override")
        await pilot.press("enter")
        await settled(pilot)
        assert "type a reason" in [note.message for note in pilot.app._notifications][-1]
        await pilot.press(*"broken pipeline", "enter")
        await shows(pilot, "run bootstrap on lab?")
        await pilot.press("y")
        await shows(pilot, "Changes on the cluster")
        assert "override: broken pipeline" in session.stops


async def test_a_guardrail_is_named_before_the_hosts_are_connected() -> None:
    app = console(guarded(NEVER))
    assert app.session is None
    assert set(stops_by_action(app)) == {"bootstrap"}


async def test_escape_at_the_reason_starts_nothing() -> None:
    session = guarded(NEVER)
    async with running(console(session), (80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("a", *"boots", "enter", "enter")
        await shows(pilot, "✖ guardrail")
        await pilot.press("r")
        await shows(pilot, "To override")
        await pilot.press("escape")
        await settled(pilot)
        assert "run bootstrap on lab?" not in screen_text(pilot.app)
        assert session.stops == ()


async def test_a_guardrail_can_require_the_typed_name() -> None:
    async with running(console(guarded(TYPED)), (80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("a", *"boots", "enter", "enter")
        await shows(pilot, "4 steps")
        await pilot.press("r")
        await shows(pilot, "Call the on-call first.")
        await pilot.press(*"lab", "enter")
        await shows(pilot, "Changes on the cluster")
