"""Guardrails: which stop an action at a time, and which require a typed name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest

from haconsole.actions.catalogue import catalogue
from haconsole.actions.guardrails import UNDO, guardrail_stops, rule_text, typed_name_reasons, undone_action
from haconsole.inventory.guardrail import ActionName, Guardrail, GuardrailKind, Weekday
from haconsole.inventory.parts import parts_of
from tests.fakes.cluster import INVENTORY

WEDNESDAY = datetime(2026, 3, 4, tzinfo=UTC)
DAY = Guardrail(
    rule=GuardrailKind.NO_CHANGES, reason="Business hours.", start="08:00", end="18:00", days=(Weekday.WED,)
)
NIGHT = Guardrail(rule=GuardrailKind.NO_CHANGES, reason="Backups.", start="22:00", end="06:00", days=(Weekday.TUE,))


def stopped(
    guardrail: Guardrail, at: datetime, *, action: str = "failover", running: int = 0, undoes: str = ""
) -> bool:
    inventory = msgspec.structs.replace(INVENTORY, guardrails=(guardrail,))
    return bool(guardrail_stops(inventory, action, at, running, undoes=undoes))


def test_every_action_can_be_named() -> None:
    assert set(get_args(ActionName)) == {*(action.name for action in catalogue()), UNDO}


@pytest.mark.parametrize(("hour", "minute", "stops"), [(7, 59, False), (8, 0, True), (17, 59, True), (18, 0, False)])
def test_hours_without_changes_include_their_start_and_exclude_their_end(hour: int, minute: int, stops: bool) -> None:
    assert stopped(DAY, WEDNESDAY.replace(hour=hour, minute=minute)) is stops
    assert not stopped(DAY, WEDNESDAY.replace(day=5, hour=hour, minute=minute))


def test_hours_past_midnight_belong_to_the_day_they_start() -> None:
    assert stopped(NIGHT, WEDNESDAY.replace(hour=5, minute=59))
    assert stopped(NIGHT, WEDNESDAY.replace(day=3, hour=22))
    assert not stopped(NIGHT, WEDNESDAY.replace(hour=6))
    assert not stopped(NIGHT, WEDNESDAY.replace(hour=22))
    assert not stopped(NIGHT, WEDNESDAY.replace(day=3, hour=5))


def test_hours_are_those_of_their_time_zone() -> None:
    tokyo = msgspec.structs.replace(DAY, time_zone="Asia/Tokyo")
    assert stopped(tokyo, WEDNESDAY.replace(day=3, hour=23))
    assert not stopped(tokyo, WEDNESDAY.replace(hour=9))


def test_at_most_counts_running_runs() -> None:
    one = Guardrail(rule=GuardrailKind.AT_MOST, reason="One at a time.", count=1)
    assert not stopped(one, WEDNESDAY, running=0)
    assert stopped(one, WEDNESDAY, running=1)


def test_a_guardrail_is_about_its_actions_and_their_undo() -> None:
    refused = Guardrail(rule=GuardrailKind.REFUSE, reason="Never here.", actions=("restore",))
    assert stopped(refused, WEDNESDAY, action="restore")
    assert not stopped(refused, WEDNESDAY, action="failover")
    assert stopped(refused, WEDNESDAY, action=UNDO, undoes=undone_action("20260301T030000Z-restore-4f1c"))
    assert not stopped(refused, WEDNESDAY, action=UNDO, undoes=undone_action("20260301T030000Z-move-leader-4f1c"))


def test_a_typed_name_stops_nothing_and_is_required() -> None:
    typed = Guardrail(rule=GuardrailKind.TYPED_NAME, reason="Inform the on-call engineer.", actions=("failover",))
    inventory = msgspec.structs.replace(INVENTORY, guardrails=(typed,))
    assert not stopped(typed, WEDNESDAY)
    assert typed_name_reasons(inventory, "failover") == ("Inform the on-call engineer.",)
    assert typed_name_reasons(inventory, "drain") == ()


def test_rules_have_a_short_text() -> None:
    assert rule_text(DAY) == "no changes from 08:00 to 18:00 on wed (UTC)"
    assert rule_text(msgspec.structs.replace(DAY, days=(), actions=("drain",))) == "no drain from 08:00 to 18:00 (UTC)"


def test_a_new_guardrail_does_not_outdate_an_interrupted_run() -> None:
    assert parts_of(INVENTORY) == parts_of(msgspec.structs.replace(INVENTORY, guardrails=(DAY,)))
