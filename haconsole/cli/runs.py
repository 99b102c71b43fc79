"""`runs`, `resume` and `undo`: what was carried out here, a run that stopped carried on, a run taken back."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from haconsole.cli.completing import runs as recorded_runs
from haconsole.cli.reaching import TAKE_OVER_NAMES, TakeOverLock, terminal_answers
from haconsole.errors import ExitCode

RUN = click.argument("run", shell_complete=recorded_runs)
ACCEPT = click.option(
    "--accept-host-key", "accepted", multiple=True, metavar="FINGERPRINT", help="Accept a new host that shows this key."
)
TAKE_OVER = click.option(*TAKE_OVER_NAMES, "take_over", cls=TakeOverLock)
YES = click.option("--yes", "-y", is_flag=True, help="Begin without asking.")
EVENTS = click.option("--json", "as_json", is_flag=True, help="Print one event a line, as JSON.")
UPDATE = click.option(
    "--update-inventory",
    "update",
    is_flag=True,
    help="Of a run that takes a host out: take it out of the inventory file too, when it is done.",
)
INVENTORY = click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    help="The inventory's file, where it is no longer where the run read it.",
)


@click.command()
@click.argument("run", required=False, shell_complete=recorded_runs)
@click.option("--cluster", help="Only runs on the cluster of this name.")
@click.option("--inventory", type=click.Path(path_type=Path), help="Only runs that read this inventory.")
@click.option("--json", "as_json", is_flag=True, help="Print haconsole/runs/v1, or haconsole/run-record/v1 of RUN.")
def runs(run: str | None, cluster: str | None, inventory: Path | None, as_json: bool) -> int:
    """What was carried out from this account, newest first; with RUN one of them, step by step.

    The beginning of a run's name is enough where it is the only one. No host is asked.
    """
    from haconsole.cli.reports.encoding import encoded
    from haconsole.cli.reports.page import page_width, show
    from haconsole.cli.reports.runs import record_report, record_text, runs_report, runs_text
    from haconsole.execution.log.run_record import find_run, read_run, read_runs

    folder, now = _folder(), datetime.now(UTC)
    if run is not None:
        record = read_run(find_run(folder, run))
        every = read_runs(folder)
        show(encoded(record_report(record, every)) if as_json else record_text(record, now, page_width()))
        return ExitCode.OK
    records = read_runs(folder)
    matching = tuple(one for one in records if _asked_for(one, cluster, inventory))
    show(encoded(runs_report(folder, matching, records)) if as_json else runs_text(folder, matching, records, now))
    return ExitCode.OK


@click.command()
@RUN
@INVENTORY
@ACCEPT
@TAKE_OVER
@YES
@EVENTS
@UPDATE
def resume(
    run: str,
    inventory: Path | None,
    accepted: tuple[str, ...],
    take_over: tuple[str, ...],
    yes: bool,
    as_json: bool,
    update: bool,
) -> int:
    """Carry a run on that failed, was stopped or broke off.

    The hosts are asked what is true; the plan is the one that was agreed to; the first step whose effect is missing
    comes next. What a broken-off run left under way on a host is waited for there.
    """
    return asyncio.run(_resume(run, inventory, accepted, take_over, yes=yes, as_json=as_json, update=update))


async def _resume(
    run: str,
    inventory: Path | None,
    accepted: tuple[str, ...],
    take_over: tuple[str, ...],
    *,
    yes: bool,
    as_json: bool,
    update: bool,
) -> int:
    from haconsole.cli.actions import perform
    from haconsole.cli.confirm import confirmed
    from haconsole.cli.inventory_change import tell_change
    from haconsole.cli.reports.page import page_width, show
    from haconsole.cli.reports.runs import remaining_text
    from haconsole.errors import UsageError
    from haconsole.execution.log.run_record import find_run, read_run
    from haconsole.session.live import open_session

    record = read_run(find_run(_folder(), run))
    name = record.header.run
    file = inventory or Path(record.header.inventory)
    async with open_session(file, terminal_answers(accepted, take_over, as_json=as_json)) as session:
        await session.check_resumable(name)
        if not yes:
            show(remaining_text(record, datetime.now(UTC), page_width()), err=True)
            if not await confirmed(f"\nCarry {name} on?"):
                raise UsageError("not carried on: it was not agreed to", hint="answer y, or say --yes")
        status = await perform(await session.resume(name), as_json=as_json)
    if status == ExitCode.OK:
        tell_change(file, record.plan, apply=update)
    return status


@click.command()
@RUN
@INVENTORY
@ACCEPT
@TAKE_OVER
@YES
@EVENTS
def undo(
    run: str, inventory: Path | None, accepted: tuple[str, ...], yes: bool, as_json: bool, take_over: tuple[str, ...]
) -> int:
    """Take a run back: what it really did, newest step first, as a plan of its own that is shown before.

    What cannot be taken back is named. `haconsole runs RUN` tells what a run did.
    """
    return asyncio.run(_undo(run, inventory, accepted, take_over, yes=yes, as_json=as_json))


async def _undo(
    run: str, inventory: Path | None, accepted: tuple[str, ...], take_over: tuple[str, ...], *, yes: bool, as_json: bool
) -> int:
    from haconsole.actions.step import Refusal
    from haconsole.cli.actions import agreed, perform, print_plan
    from haconsole.execution.log.run_record import find_run, read_run
    from haconsole.session.live import open_session

    record = read_run(find_run(_folder(), run))
    answers = terminal_answers(accepted, take_over, as_json=as_json)
    async with open_session(inventory or Path(record.header.inventory), answers) as session:
        session.check_startable()
        planned = await session.history.plan_undo(record.header.run)
        if isinstance(planned, Refusal):
            return print_plan(planned, as_json=as_json)
        await agreed(planned, yes=yes)
        return await perform(session.start(planned), as_json=as_json)


def _folder() -> Path:
    from haconsole.execution.log.run_log import runs_folder

    return runs_folder(dict(os.environ))


def _asked_for(one: object, cluster: str | None, inventory: Path | None) -> bool:
    from haconsole.execution.log.run_record import RunRecord

    if not isinstance(one, RunRecord):
        return cluster is None and inventory is None
    if cluster is not None and one.plan.cluster != cluster:
        return False
    return inventory is None or one.header.inventory == str(inventory.resolve())
