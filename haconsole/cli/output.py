"""Output of the command line: pages for a terminal or a file, and an output that remembers why a write failed."""

from __future__ import annotations

import errno
import io
import os
import shutil
import sys
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from haconsole.errors import ExitCode, file_hint
from haconsole.present.ascii import ascii_text, is_ascii

if TYPE_CHECKING:
    from typing_extensions import Buffer


INVENTORY_ENDINGS = (".yaml", ".yml", ".json")
"""The ends of the names of inventory files."""
UNLIMITED = 1_000_000
"""Columns of an output that is no terminal: nothing is wrapped there."""


class CheckedOutput(io.FileIO):
    """The process's standard output; `failure` is the first error of a write."""

    failure: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = self.failure or error
            raise


class LenientOutput(io.FileIO):
    """The process's standard error, whose failed writes change no exit status."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def open_closed_streams() -> None:
    """Write to /dev/null where the process was started without standard output or standard error."""
    for number in (1, 2):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def use_lenient_errors() -> None:
    """Put a LenientOutput under sys.stderr."""
    usual = sys.stderr
    raw = LenientOutput(usual.fileno(), "w", closefd=False)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=usual.encoding, errors=usual.errors, line_buffering=True
    )


def checked_output() -> CheckedOutput:
    """Put a CheckedOutput under sys.stdout."""
    usual = sys.stdout
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
        hint = file_hint(PurePath("standard output"), raw.failure, to_write=True)
        click.echo(f"haconsole: standard output: {raw.failure.strerror}; {hint}", err=True)
    return ExitCode.FAILED


def show(text: str, *, err: bool = False) -> None:
    """Print the text; signs become ASCII where the output's encoding has nothing else."""
    encoding = (sys.stderr if err else sys.stdout).encoding
    click.echo(ascii_text(text) if is_ascii(encoding) else text, err=err)


def page_width() -> int:
    """Columns to wrap sentences at: the terminal's, without a limit where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
