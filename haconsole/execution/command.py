"""Performs RunCommand: detached, so that it survives the connection, and once."""

from __future__ import annotations

from typing import assert_never

from haconsole.actions.describe import short_line
from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Step
from haconsole.execution.detached import STOPPED, DetachedCommands, Ended, NeverBegun, NeverHeard, NotStarted
from haconsole.execution.outcome import Performed, done, failed, unknown


async def run_command(
    commands: DetachedCommands, step: Step, operation: RunCommand, attempt: int, end: str
) -> Performed:
    """Run it as root on the step's host and wait for its end; what it sets aside gets names that end with `end`."""
    argv = ("env", f"HACONSOLE_ASIDE={end}", *operation.argv)
    ended = await commands.run(step.id, attempt, argv, stdin=operation.stdin, timeout_s=operation.timeout_s)
    return _performed(ended, step, operation)


async def pick_up_command(
    commands: DetachedCommands, step: Step, operation: RunCommand, attempt: int, boot: str
) -> Performed | None:
    """Wait for the end of what an earlier process began; None when it never began it."""
    ended = await commands.pick_up(step.id, attempt, boot, timeout_s=operation.timeout_s)
    return None if isinstance(ended, NeverBegun) else _performed(ended, step, operation)


def _performed(ended: Ended | NeverHeard | NotStarted, step: Step, operation: RunCommand) -> Performed:
    timeout_s = operation.timeout_s
    words = f"{step.host}: `{short_line(operation.argv)}`"
    match ended:
        case Ended(status=0):
            return done(_output(ended))
        case Ended() if ended.status in STOPPED:
            return failed(f"{words} did not end within {timeout_s:g} s and was stopped", _output(ended))
        case Ended():
            return failed(f"{words} ended with {ended.status}: {_last_line(ended)}", _output(ended))
        case NeverHeard():
            return unknown(f"{words}: {ended.why}", _output(ended))
        case NotStarted():
            return failed(f"{words} could not be started: {ended.why}")
        case _:
            assert_never(ended)


def _output(ended: Ended | NeverHeard) -> str:
    return "\n".join(part.rstrip() for part in (ended.stdout, ended.stderr) if part.strip())


def _last_line(ended: Ended) -> str:
    lines = _output(ended).splitlines()
    return lines[-1].strip() if lines else "it said nothing"
