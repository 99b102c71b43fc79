"""Builders of remedies: every action call of a rule is made here, so that one test can collect them."""

from __future__ import annotations

from haconsole.model.findings import ActionCall, Advice


def call(action: str, text: str = "", *, last_resort: bool = False, **arguments: str) -> ActionCall:
    """An action with the arguments that are known; ``member_id`` names the argument ``member-id``."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in arguments.items())
    return ActionCall(action, pairs, text, last_resort)


def advice(text: str) -> Advice:
    """Advice for work outside this console."""
    return Advice(text)
