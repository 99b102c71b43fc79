"""The one family of errors that reach a person: what happened, where, and what to do next."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Process exit status of every verb."""

    OK = 0
    DEGRADED = 1
    CRITICAL = 2
    UNKNOWN = 3
    REFUSED = 4
    INVALID_INVENTORY = 5
    FAILED = 6
    USAGE = 64
    INTERRUPTED = 130
    CLOSED_PIPE = 141


class HaconsoleError(Exception):
    """A failure told in words a person can act on.

    `what` says what happened, `hint` what to do next (may be empty); `exit_code` is what a verb ends with when the
    error reaches the command line.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(f"{what}; {hint}" if hint else what)
        self.what = what
        self.hint = hint


class UsageError(HaconsoleError):
    """The words of a command are off."""

    exit_code = ExitCode.USAGE


class RefusedError(HaconsoleError):
    """What was asked for is not done, for the reasons told."""

    exit_code = ExitCode.REFUSED
