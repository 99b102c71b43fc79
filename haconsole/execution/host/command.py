"""Performs RunCommand: runs a command on a host only once, and detached, so that a lost connection does not stop it."""

from __future__ import annotations

from typing import assert_never

from haconsole.actions.describe import short_line
from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Step
from haconsole.execution.host.detached import STOPPED, ContactLost, DetachedCommands, Exited, LaunchFailed, NeverStarted
from haconsole.execution.outcome import OperationResult, failure, success, unknown_end


async def run_command(
    commands: DetachedCommands, step: Step, operation: RunCommand, attempt: int, end: str
) -> OperationResult:
    """Run it as root on the step's host and wait for its end; backups that it makes get names that end with `end`."""
    argv = ("env", f"HACONSOLE_ASIDE={end}", *operation.argv)
    ended = await commands.run(step.id, attempt, argv, stdin=operation.stdin, timeout_s=operation.timeout_s)
    return _performed(ended, step, operation)


async def pick_up_command(
    commands: DetachedCommands, step: Step, operation: RunCommand, attempt: int, boot: str
) -> OperationResult | None:
    """Wait for the end of a command of an earlier process; None when it was never started."""
    ended = await commands.pick_up(step.id, attempt, boot, timeout_s=operation.timeout_s)
    return None if isinstance(ended, NeverStarted) else _performed(ended, step, operation)


def _performed(ended: Exited | ContactLost | LaunchFailed, step: Step, operation: RunCommand) -> OperationResult:
    timeout_s = operation.timeout_s
    words = f"{step.host}: `{short_line(operation.argv)}`"
    match ended:
        case Exited(status=0):
            return success(_output(ended))
        case Exited() if ended.status in STOPPED:
            return failure(f"{words} did not end within {timeout_s:g} s and was stopped", _output(ended))
        case Exited():
            return failure(f"{words} ended with status {ended.status}: {_last_line(ended)}", _output(ended))
        case ContactLost():
            return unknown_end(f"{words}: {ended.why}", _output(ended))
        case LaunchFailed():
            return failure(f"{words} could not be started: {ended.why}")
        case _:
            assert_never(ended)


def _output(ended: Exited | ContactLost) -> str:
    return "\n".join(part.rstrip() for part in (ended.stdout, ended.stderr) if part.strip())


def _last_line(ended: Exited) -> str:
    lines = _output(ended).splitlines()
    return lines[-1].strip() if lines else "no output"
