"""`runs`, `commands`, `resume` and `undo`: list runs and their commands, resume an interrupted one, undo one."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from haconsole.cli.completing import runs as recorded_runs
from haconsole.cli.reaching import TAKE_OVER_NAMES, TakeOverLock, terminal_answers
from haconsole.errors import ExitCode

if TYPE_CHECKING:
    from haconsole.actions.step import Plan

RUN = click.argument("run", shell_complete=recorded_runs)
ACCEPT = click.option(
    "--accept-host-key",
    "accepted",
    multiple=True,
    metavar="FINGERPRINT",
    help="Accept an unknown host key that has this SHA256:… fingerprint.",
)
TAKE_OVER = click.option(*TAKE_OVER_NAMES, "take_over", cls=TakeOverLock)
YES = click.option("--yes", "-y", is_flag=True, help="Start without a confirmation.")
EVENTS = click.option("--json", "as_json", is_flag=True, help="Print one event per line, as JSON.")
UPDATE = click.option(
    "--update-inventory",
    "update",
    is_flag=True,
    help="After a run that removes a host, remove the host from the inventory file too.",
)
OVERRIDE = click.option(
    "--override",
    metavar="REASON",
    default="",
    help="Override the guardrails that stop this run; the run log keeps the reason.",
)
CONFIRM = click.option(
    "--confirm", metavar="CLUSTER", help="The cluster's name, if a guardrail requires the name as confirmation."
)
INVENTORY = click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The inventory's file, if its path has changed since the run.",
)


@click.command()
@click.argument("run", required=False, shell_complete=recorded_runs)
@click.option("--cluster", metavar="CLUSTER", help="Only runs on the cluster of this name.")
@click.option("--inventory", type=click.Path(path_type=Path), metavar="FILE", help="Only runs with this inventory.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON in the format haconsole/runs/v1, or haconsole/run-record/v1 for RUN.",
)
def runs(run: str | None, cluster: str | None, inventory: Path | None, as_json: bool) -> int:
    """List the runs of this account, newest first; with RUN one of them, step by step.

    The beginning of a run's name is enough if it is unique. No host is contacted.
    """
    from haconsole.cli.output import page_width, show
    from haconsole.cli.reports.encoding import encoded
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
@click.argument("run", required=False, shell_complete=recorded_runs)
@click.option("--cluster", metavar="CLUSTER", help="Only commands on the cluster of this name.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON in the format haconsole/commands/v1, with complete scripts."
)
def commands(run: str | None, cluster: str | None, as_json: bool) -> int:
    """List the commands that runs of this account ran on hosts, newest first; with RUN only those of one run.

    Changes through the API of etcd or Kubernetes are listed by what they do. Reads are not logged. Secrets are masked.
    """
    from haconsole.cli.output import show
    from haconsole.cli.reports.commands import commands_report, commands_text
    from haconsole.cli.reports.encoding import encoded
    from haconsole.execution.log.run_record import find_run, read_run, read_runs

    records = (read_run(find_run(_folder(), run)),) if run is not None else read_runs(_folder())
    matching = tuple(one for one in records if _asked_for(one, cluster, None))
    show(encoded(commands_report(matching)) if as_json else commands_text(matching, datetime.now(UTC)))
    return ExitCode.OK


class Consent(msgspec.Struct, frozen=True):
    """The consent given by options: `yes`, the cluster's name, and the reason to override guardrails."""

    yes: bool
    name: str | None
    override: str

    def suffices(self, plan: Plan, *, by_name: bool) -> bool:
        """Whether the run needs no confirmation any more."""
        return self.name == plan.cluster if by_name else self.yes


@click.command()
@RUN
@INVENTORY
@ACCEPT
@TAKE_OVER
@YES
@EVENTS
@OVERRIDE
@CONFIRM
@UPDATE
def resume(
    run: str,
    inventory: Path | None,
    accepted: tuple[str, ...],
    take_over: tuple[str, ...],
    yes: bool,
    as_json: bool,
    override: str,
    confirm: str | None,
    update: bool,
) -> int:
    """Resume a run that failed, was stopped or was interrupted.

    The state of the hosts is read; the plan is the one that was confirmed; the first step whose effect is missing comes
    next. A command that an interrupted run left running on a host is awaited there.
    """
    consent = Consent(yes, confirm, override)
    return asyncio.run(_resume(run, inventory, accepted, take_over, consent, as_json=as_json, update=update))


async def _resume(
    run: str,
    inventory: Path | None,
    accepted: tuple[str, ...],
    take_over: tuple[str, ...],
    consent: Consent,
    *,
    as_json: bool,
    update: bool,
) -> int:
    from haconsole.cli.actions import guardrails_of, perform, print_stops
    from haconsole.cli.confirm import confirmed, confirmed_by_name
    from haconsole.cli.inventory_change import tell_change
    from haconsole.cli.output import page_width, show
    from haconsole.cli.reports.runs import remaining_text
    from haconsole.errors import UsageError
    from haconsole.execution.log.run_record import find_run, read_run
    from haconsole.session.opening import open_session

    record = read_run(find_run(_folder(), run))
    name = record.header.run
    file = inventory or Path(record.header.inventory)
    async with open_session(file, terminal_answers(accepted, take_over, as_json=as_json)) as session:
        await session.check_resumable(name)
        rails = guardrails_of(session, record.plan)
        if rails.stops and not consent.override.strip():
            return print_stops(record.plan, rails, as_json=as_json)
        if not consent.suffices(record.plan, by_name=bool(rails.typed_name)):
            show(remaining_text(record, datetime.now(UTC), page_width()), err=True)
            if rails.typed_name:
                await confirmed_by_name(
                    f"\nResume {name}? Guardrail: {' '.join(rails.typed_name)}", record.plan.cluster
                )
            elif not await confirmed(f"\nResume {name}?"):
                raise UsageError("not resumed: the run was not confirmed", hint="answer y, or pass --yes")
        status = await perform(await session.resume(name, override=consent.override), as_json=as_json)
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
@OVERRIDE
@CONFIRM
def undo(
    run: str,
    inventory: Path | None,
    accepted: tuple[str, ...],
    yes: bool,
    as_json: bool,
    take_over: tuple[str, ...],
    override: str,
    confirm: str | None,
) -> int:
    """Undo a run: its completed steps, newest step first, by a plan that is shown before.

    Steps that cannot be undone are named. `haconsole runs RUN` shows the steps of a run.
    """
    consent = Consent(yes, confirm, override)
    return asyncio.run(_undo(run, inventory, accepted, take_over, consent, as_json=as_json))


async def _undo(
    run: str,
    inventory: Path | None,
    accepted: tuple[str, ...],
    take_over: tuple[str, ...],
    consent: Consent,
    *,
    as_json: bool,
) -> int:
    from haconsole.actions.step import Refusal
    from haconsole.cli.actions import agreed, guardrails_of, perform, print_plan, print_stops
    from haconsole.execution.log.run_record import find_run, read_run
    from haconsole.session.opening import open_session

    record = read_run(find_run(_folder(), run))
    answers = terminal_answers(accepted, take_over, as_json=as_json)
    async with open_session(inventory or Path(record.header.inventory), answers) as session:
        session.check_startable()
        planned = await session.history.plan_undo(record.header.run)
        if isinstance(planned, Refusal):
            return print_plan(planned, as_json=as_json)
        rails = guardrails_of(session, planned)
        if rails.stops and not consent.override.strip():
            return print_stops(planned, rails, as_json=as_json)
        await agreed(planned, yes=consent.suffices(planned, by_name=bool(rails.typed_name)), rails=rails)
        return await perform(session.start(planned, override=consent.override), as_json=as_json)


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
