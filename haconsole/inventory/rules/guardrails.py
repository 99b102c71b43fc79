"""Rules about guardrails: each guardrail sets exactly the values that its type needs."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.inventory.guardrail import GuardrailKind
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault
from haconsole.inventory.schema import Inventory

OWN = {GuardrailKind.NO_CHANGES: ("start", "end"), GuardrailKind.AT_MOST: ("count",)}
"""The values that a rule needs."""
EXAMPLES = {"start": '"08:00"', "end": '"18:00"', "count": "1"}


def guardrails_are_complete(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    for number, guardrail in enumerate(inventory.guardrails):
        where = ("guardrails", number)
        values = {name: getattr(guardrail, name) for name in ("start", "end", "days", "count")}
        needed = OWN.get(guardrail.rule, ())
        for name in needed:
            if values[name] is None:
                what = f"{marks.name(where)} has the rule {guardrail.rule} and no {name}"
                yield Fault(marks.at(*where), what, f"add `{name}: {EXAMPLES[name]}`, with your own value")
        allowed = (*needed, "days") if "start" in needed else needed
        for name, value in values.items():
            if value and name not in allowed:
                what = f"{name} has no effect with the rule {guardrail.rule}"
                yield Fault(marks.at(*where, name), what, f"leave {name} out, or use another rule")
        if values["start"] is not None and values["start"] == values["end"]:
            what = f"{marks.name(where)} starts and ends at the same time"
            yield Fault(marks.at(*where, "end"), what, 'write "00:00" and "24:00" for entire days')
