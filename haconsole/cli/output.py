"""Standard output that remembers why it could not be written; Python drops the text that failed."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from haconsole.errors import ExitCode

if TYPE_CHECKING:
    from typing_extensions import Buffer


class CheckedOutput(io.FileIO):
    """The process's standard output; `failure` is the first error of a write."""

    failure: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = self.failure or error
            raise


def checked_output() -> CheckedOutput | None:
    """Put a CheckedOutput under sys.stdout; None if the process was started without one."""
    usual = sys.stdout
    if usual is None:
        return None
    raw = CheckedOutput(usual.fileno(), "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=usual.encoding, errors=usual.errors, line_buffering=usual.isatty()
    )
    return raw


def status_of_output(raw: CheckedOutput) -> ExitCode | None:
    """Flush; the exit status of a process whose output could not be written, None if it was."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    if raw.failure is None:
        return None
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, raw.fileno())
    os.close(nowhere)
    if raw.failure.errno == errno.EPIPE:
        return ExitCode.CLOSED_PIPE
    with suppress(OSError):
        click.echo(f"haconsole: standard output: {raw.failure.strerror}", err=True)
    return ExitCode.FAILED
