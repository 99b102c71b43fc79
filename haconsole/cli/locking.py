"""A run that meets the lock of another console: refused, or taken over knowingly."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from haconsole.actions.step import Refusal
from haconsole.cli.actions import perform
from haconsole.cli.asking import confirmed
from haconsole.cli.reports.encoding import encoded
from haconsole.cli.reports.plan import refusal_report
from haconsole.execution.locking.cluster_lock import LockedError, NoMajorityError

if TYPE_CHECKING:
    from haconsole.actions.step import Plan
    from haconsole.session import Run

Begin = Callable[[frozenset[str]], Awaitable["Run"]]


async def started(run: Run) -> Run:
    return run


async def perform_locked(plan: Plan, begin: Begin, *, take_over: frozenset[str], as_json: bool) -> int:
    """Follow the run that `begin` starts, given the runs whose locks it may take over: those of `take_over`.

    Whether to take over another stale lock is asked at a terminal. Ends like a refused plan while another console has
    the lock, or while too few hosts can be reached.
    """
    try:
        try:
            return await perform(await begin(take_over), as_json=as_json)
        except LockedError as locked:
            run = locked.view.claim.run
            if not locked.can_take_over or run in take_over or as_json or not sys.stdin.isatty():
                raise
            click.echo(f"{locked.what}.", err=True)
            if not await confirmed("Its console is gone, or cut off. Are you sure of that, and take over its lock?"):
                raise
            return await perform(await begin(take_over | {run}), as_json=as_json)
    except (LockedError, NoMajorityError) as error:
        if not as_json:
            raise
        click.echo(encoded(refusal_report(Refusal(plan.action, plan.cluster, (str(error),)))))
        return error.exit_code
