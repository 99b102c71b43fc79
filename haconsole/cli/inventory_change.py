"""The effect of an action's success on the inventory file: shown as a diff, applied only on request."""

from __future__ import annotations

from pathlib import Path

import click

from haconsole.actions.step import Plan
from haconsole.inventory.follow import without


def tell_change(inventory: Path, plan: Plan, *, apply: bool = False) -> None:
    """Show on stderr the change of the file now that `plan` is done; with `apply`, or if the plan requires it, apply
    it.
    """
    change = without(inventory, plan.departing_host) if plan.departing_host else None
    if change is None:
        return
    if not change.diff:
        click.echo(change.by_hand, err=True)
    elif apply or plan.updates_inventory:
        change.apply()
        click.echo(f"{inventory} is changed:\n{change.diff}", err=True, nl=False)
    else:
        click.echo(f"{inventory} should be updated; --update-inventory applies this:", err=True)
        click.echo(change.diff, err=True, nl=False)
