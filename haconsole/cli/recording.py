"""`record` and `replay`: the states of a cluster in a file, and their replay."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haconsole.cli.arguments import Number
from haconsole.cli.reaching import reaching, with_session
from haconsole.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from haconsole.recording.file import Recorder
    from haconsole.session import Session


@click.command()
@reaching
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="A new file; compressed if its name ends in .gz.",
)
@click.option(
    "--for",
    "seconds",
    type=Number(0.1),
    metavar="SECONDS",
    help="Duration; default: until Ctrl-C.",
)
def record(inventory: Path, output: Path, seconds: float | None, accept_host_key: tuple[str, ...]) -> int:
    """Write every change of the cluster's state into FILE, for `replay`: to keep an incident, or to show it to others.

    FILE contains names, addresses and versions, but no secret. Changes nothing.
    """
    return with_session(inventory, accept_host_key, lambda session: _record(session, output, seconds))


async def _record(session: Session, output: Path, seconds: float | None) -> int:
    from haconsole.recording.file import Recorder

    with closing(Recorder(output, session.inventory)) as recorder:
        click.echo(f"recording {session.inventory.cluster} into {output}; Ctrl-C ends it", err=True)
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(_follow(session, recorder), seconds)
        count = "1 snapshot" if recorder.snapshots == 1 else f"{recorder.snapshots} snapshots"
        click.echo(f"{count} in {output}; to open them: haconsole replay {output}", err=True)
    return ExitCode.OK if recorder.snapshots else ExitCode.UNKNOWN


async def _follow(session: Session, recorder: Recorder) -> None:
    async for status in session.observer.watch():
        recorder.add(status.snapshot)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--speed", type=Number(0.1, 100), default=1.0, show_default=True, metavar="N", help="Speed factor, 0.1 to 100."
)
@click.option("--repeat", is_flag=True, help="Start again after the end, until the console is closed.")
@click.option(
    "--theme",
    metavar="THEME",
    help=("A theme's name, or a theme file. Default: the recorded inventory's theme, otherwise dark."),
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
def replay(file: Path, speed: float, repeat: bool, theme: str | None, ascii_only: bool) -> int:
    """Open the console on a recording: no host is contacted and nothing can be changed."""
    return show_recording(file, speed=speed, repeats=repeat, theme=theme, ascii_only=ascii_only)


def show_recording(
    file: Path, *, speed: float = 1.0, repeats: bool = False, theme: str | None = None, ascii_only: bool = False
) -> int:
    """Run the console on a recording until it is closed; returns the exit status.

    Raises RecordingError, ThemeError and UsageError before anything is painted.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("a recording can be shown only on a terminal", hint="run this command in a terminal")
    from haconsole.recording.file import read_recording
    from haconsole.session.replayed import ReplayedSession
    from haconsole.ui.launch import launch

    recording = read_recording(file)
    session = ReplayedSession(recording, speed=speed, repeats=repeats)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield session

    return launch(
        recording.inventory,
        opened,
        theme=theme,
        read_only=True,
        ascii_only=ascii_only,
        environment=os.environ,
        encoding=sys.stdout.encoding,
        recorded=True,
        clock=session.player.now,
    )
