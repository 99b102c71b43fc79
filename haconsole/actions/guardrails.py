"""The guardrails of an inventory that stop an action now, or require a typed name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from haconsole.inventory.guardrail import Guardrail, GuardrailKind, Weekday
from haconsole.inventory.schema import Inventory

UNDO = "undo"


class GuardrailStop(msgspec.Struct, frozen=True):
    """A guardrail that stops an action now: the rule and its reason."""

    rule: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


def guardrail_stops(
    inventory: Inventory, action: str, now: datetime, running: int, *, undoes: str = ""
) -> tuple[GuardrailStop, ...]:
    """The guardrails that stop the action at `now`, while `running` runs are running; `undoes` is the undone action."""
    names = {action, undoes} - {""}
    return tuple(
        GuardrailStop(rule_text(one), one.reason) for one in _about(inventory, names) if _stops(one, now, running)
    )


def typed_name_reasons(inventory: Inventory, action: str, *, undoes: str = "") -> tuple[str, ...]:
    """The reasons why a run of the action is confirmed by typing the cluster's name; empty if it is not."""
    named = _about(inventory, {action, undoes} - {""})
    return tuple(one.reason for one in named if one.rule is GuardrailKind.TYPED_NAME)


def undone_action(run: str) -> str:
    """The action of a run by its name, as in ``20260101T030000Z-move-leader-4f1c``; empty for another name."""
    parts = run.split("-")
    return "-".join(parts[1:-1])


def rule_text(guardrail: Guardrail) -> str:
    """The rule in a few words."""
    actions = ", ".join(guardrail.actions) or "all actions"
    match guardrail.rule:
        case GuardrailKind.NO_CHANGES:
            days = f" on {', '.join(guardrail.days)}" if guardrail.days else ""
            span = f"from {guardrail.start} to {guardrail.end}{days} ({guardrail.time_zone})"
            return f"no {'changes' if not guardrail.actions else actions} {span}"
        case GuardrailKind.AT_MOST:
            runs = "1 run" if guardrail.count == 1 else f"{guardrail.count} runs"
            return f"{actions}: at most {runs} at the same time"
        case GuardrailKind.TYPED_NAME:
            return f"{actions}: confirmed by typing the cluster's name"
        case GuardrailKind.REFUSE:
            return f"{actions}: refused"


def _about(inventory: Inventory, names: set[str]) -> Iterator[Guardrail]:
    return (one for one in inventory.guardrails if not one.actions or names & set(one.actions))


def _stops(guardrail: Guardrail, now: datetime, running: int) -> bool:
    match guardrail.rule:
        case GuardrailKind.REFUSE:
            return True
        case GuardrailKind.AT_MOST:
            return guardrail.count is not None and running >= guardrail.count
        case GuardrailKind.NO_CHANGES:
            return _within(guardrail, now)
        case GuardrailKind.TYPED_NAME:
            return False


def _within(guardrail: Guardrail, now: datetime) -> bool:
    """Whether `now` is in the hours: those that began today, or yesterday if they pass midnight."""
    local = now.astimezone(ZoneInfo(guardrail.time_zone))
    start, end = _minutes(guardrail.start), _minutes(guardrail.end)
    minute, days = local.hour * 60 + local.minute, guardrail.days or tuple(Weekday)
    today, yesterday = (list(Weekday)[(local - timedelta(days=n)).weekday()] for n in (0, 1))
    if start < end:
        return today in days and start <= minute < end
    return (today in days and minute >= start) or (yesterday in days and minute < end)


def _minutes(time: str | None) -> int:
    hours, _, minutes = (time or "00:00").partition(":")
    return int(hours) * 60 + int(minutes)
