"""The commands that were run on hosts: those of this session, and those of logged runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime

from haconsole.actions.describe import operation_line
from haconsole.actions.operations import Nothing, RunCommand
from haconsole.execution.log.run_record import RunRecord, StepRecord, StepState, UnreadableRun
from haconsole.model.command import READS, HostCommand, Purpose
from haconsole.present.ages import timestamp
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Item, Verbatim
from haconsole.present.plan import step_of
from haconsole.present.row_keys import RanKey
from haconsole.present.table import Column, Row, TableView

COLUMNS = (
    Column("TIME"),
    Column("HOST", least=5),
    Column("FOR", least=5),
    Column("COMMAND", least=20),
    Column("RESULT", least=14),
    Column("TOOK", rank=1, right=True),
    Column("TIMES", rank=2, right=True),
)
DETACHED = "detached-start"
DETACHED_WORDS = 6
"""The number of arguments before the command in that script: its name, the boot, the folder, and three limits."""
END = "HACONSOLE"


def commands_of(record: RunRecord) -> tuple[HostCommand, ...]:
    """The logged commands of a run, newest first, and its operations through an API; of 0.1 all operations."""
    operations = (_operation(record, one) for one in record.started_steps)
    return newest_first((*record.commands, *(one for one in operations if one is not None)))


def newest_first(commands: Iterable[HostCommand]) -> tuple[HostCommand, ...]:
    return tuple(sorted(commands, key=lambda each: each.at, reverse=True))


def logged_commands(records: Iterable[RunRecord | UnreadableRun]) -> tuple[HostCommand, ...]:
    """The commands of logged runs, newest first."""
    return newest_first(each for one in records if isinstance(one, RunRecord) for each in commands_of(one))


def _operation(record: RunRecord, one: StepRecord) -> HostCommand | None:
    step = step_of(record.plan, one.step)
    if step is None or one.begun_at is None or isinstance(step.operation, Nothing):
        return None
    if isinstance(step.operation, RunCommand) and record.commands:
        return None
    well = one.state in (StepState.PERFORMED, StepState.VERIFIED)
    return HostCommand(
        step.host,
        one.begun_at,
        Purpose.STEP,
        operation_line(step.operation),
        root=isinstance(step.operation, RunCommand),
        exit_status=0 if well else None,
        problem="" if well else one.error or str(one.state),
        is_failure=one.state is StepState.FAILED,
        seconds=(one.at - one.begun_at).total_seconds() if one.at and one.end_known else None,
        run=record.header.run,
        times=one.attempts,
        operation=not isinstance(step.operation, RunCommand),
    )


class CommandList:
    """The commands of logged runs, whose rows are made once, and with them those of a session, which change often."""

    def __init__(self, logged: tuple[HostCommand, ...], now: datetime) -> None:
        self._logged = tuple((each, _row(each, now)) for each in logged)
        self._known = {_identity(each) for each in logged}

    def entries(self, session: tuple[HostCommand, ...], now: datetime) -> tuple[CommandEntry, ...]:
        """All commands with their rows, newest first; one that is logged too is listed once."""
        others = tuple((each, _row(each, now)) for each in session if _identity(each) not in self._known)
        return tuple(sorted((*self._logged, *others), key=lambda entry: entry[0].at, reverse=True))


CommandEntry = tuple[HostCommand, Row]


def _identity(command: HostCommand) -> tuple[str, datetime, str]:
    return (command.host, command.at, command.text)


def command_table(entries: tuple[CommandEntry, ...], *, reads: bool = True, recorded: bool = False) -> TableView:
    """The commands that may change a host, newest first, and below them the `reads`; a recording has neither."""
    changes = tuple(row for command, row in entries if command.purpose not in READS)
    others = tuple(entry for entry in entries if entry[0].purpose in READS)
    rows = (*changes, *(row for _, row in others if reads))
    count = sum(command.times for command, _ in others)
    gist = (Cell(f"{len(changes)} commands that may change a host, {count} that only read"),) if entries else ()
    absence = "no command yet" if reads else "no command yet that may change a host"
    empty = Cell("a recording has no commands" if recorded else absence, Tone.MUTED)
    return TableView("commands", COLUMNS, rows, None, gist, empty, ageless=True)


def _row(command: HostCommand, now: datetime) -> Row:
    cells = (
        Cell(timestamp(command.at, now)),
        Cell(command.host),
        Cell(_reason(command), Tone.MUTED if command.purpose in READS else Tone.PLAIN),
        Cell(short_text(command)),
        result_cell(command),
        Cell("" if command.seconds is None else f"{command.seconds:.1f}s", Tone.MUTED),
        Cell(str(command.times) if command.times > 1 else "", Tone.MUTED),
    )
    return Row(key_of(command), cells, copied=shell_text(command))


def key_of(command: HostCommand) -> RanKey:
    at = "" if command.purpose in READS else command.at.isoformat()
    return RanKey(command.host, command.purpose, command.text, at)


def _reason(command: HostCommand) -> str:
    """The action of the run, or the purpose: ``20260101T030000Z-move-leader-4f1c`` is a run of move-leader."""
    if command.purpose is not Purpose.STEP or command.run.count("-") < 2:
        return command.purpose
    return command.run.split("-", 1)[1].rsplit("-", 1)[0]


def short_text(command: HostCommand) -> str:
    """The command in a line; of one that outlives the connection only the command itself."""
    return " ".join((_detached(command.text) or command.text).split())


def _detached(text: str) -> str:
    """The command that the script of detached commands starts; empty for another text."""
    if not text.startswith(f"{DETACHED} "):
        return ""
    try:
        words = shlex.split(text)[DETACHED_WORDS:]
    except ValueError:
        return ""
    while words and (words[0] == "env" or words[0].startswith("HACONSOLE_ASIDE=")):
        del words[0]
    return shlex.join(words)


def result_cell(command: HostCommand) -> Cell:
    if command.problem:
        sign, tone = ("✖", Tone.CRITICAL) if command.is_failure else ("?", Tone.UNKNOWN)
        return Cell(f"{sign} {command.problem}", tone)
    if command.seconds is None and command.exit_status is None:
        return Cell("▸ followed" if command.purpose in READS else "▸ open", Tone.MUTED)
    if command.exit_status:
        return Cell(f"exit {command.exit_status}", Tone.WARNING if command.purpose is Purpose.STEP else Tone.PLAIN)
    return Cell("● ok", Tone.GOOD)


def shell_text(command: HostCommand) -> str:
    """The command for a shell on the host; standard input that is no script is left out, and named."""
    if command.operation:
        return f"# {command.text}"
    sudo = "sudo " if command.root else ""
    note = f"# {command.input_bytes} bytes of standard input are not kept\n" if command.input_bytes else ""
    if not command.script:
        return f"{note}{sudo}{command.text}"
    words = command.text.partition(" ")[2]
    begin = f"{sudo}sh -s -- {words}".rstrip().removesuffix(" --")
    return f"{note}{begin} <<'{END}'\n{command.script}\n{END}"


def about_command(command: HostCommand, now: datetime) -> Detail:
    """Everything known of a command, with its text for a shell."""
    facts: list[Item] = [
        Fact("host", Cell(command.host)),
        Fact("time", Cell(f"{timestamp(command.at, now)} UTC")),
        Fact("for", Cell(command.purpose)),
        *((Fact("run", Cell(command.run)),) if command.run else ()),
        Fact("result", result_cell(command)),
        *((Fact("took", Cell(f"{command.seconds:.2f} s")),) if command.seconds is not None else ()),
        *(
            (Fact("times", Cell(f"{command.times}; only the last run of the command is shown")),)
            if command.times > 1
            else ()
        ),
        Heading("Command for a shell on the host (y copies the command)"),
        *(Verbatim(Cell(line.expandtabs())) for line in shell_text(command).splitlines()),
    ]
    return Detail(f"{command.host}: {short_text(command)}", tuple(facts))
