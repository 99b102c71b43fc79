"""Commands that were run on hosts, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from haconsole.cli.reports.findings import Shape, stamp
from haconsole.cli.reports.page import table_lines
from haconsole.execution.log.run_record import RunRecord, UnreadableRun
from haconsole.model.command import HostCommand
from haconsole.present.commands import CommandList, command_table, logged_commands, shell_text


class CommandReport(Shape, frozen=True):
    """One command. `shell` is its text for a shell on the host, scripts complete; no secret is in it.

    `exit_status` is null if there is no result; `problem` is the reason then. `run` names the run, `purpose` is step:
    reads of earlier sessions are not kept. `times` counts the attempts.
    """

    at: str
    host: str
    run: str
    purpose: str
    text: str
    shell: str
    as_root: bool
    input_bytes: int
    exit_status: int | None
    problem: str | None
    seconds: float | None
    times: int


class CommandsReport(Shape, frozen=True):
    """``haconsole/commands/v1``: the commands of logged runs, newest first."""

    schema: str
    commands: tuple[CommandReport, ...]


def commands_report(records: Iterable[RunRecord | UnreadableRun]) -> CommandsReport:
    return CommandsReport("haconsole/commands/v1", tuple(_report(each) for each in logged_commands(records)))


def _report(command: HostCommand) -> CommandReport:
    return CommandReport(
        at=stamp(command.at),
        host=command.host,
        run=command.run,
        purpose=command.purpose.value,
        text=command.text,
        shell=shell_text(command),
        as_root=command.root,
        input_bytes=command.input_bytes,
        exit_status=command.exit_status,
        problem=command.problem or None,
        seconds=command.seconds,
        times=command.times,
    )


def commands_text(records: Iterable[RunRecord | UnreadableRun], now: datetime) -> str:
    """The table of commands as on screen."""
    return "\n".join(table_lines(command_table(CommandList(logged_commands(records), now).entries((), now))))
