"""`watch`: prints findings as they open and close, and writes figures for Prometheus, without the screen."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haconsole.cli.output import show
from haconsole.cli.reaching import reaching, with_session
from haconsole.cli.reports.openmetrics import openmetrics
from haconsole.errors import ExitCode, HaconsoleError, file_hint
from haconsole.model.findings import Severity
from haconsole.model.series import Measurements
from haconsole.model.status import ClusterStatus
from haconsole.present.findings import severity_cell
from haconsole.present.notices import (
    FindingWatch,
    Notice,
    NoticeKind,
    TerminalSignal,
    run_ended,
    signal_for,
    signal_text,
)
from haconsole.session import Session

if TYPE_CHECKING:
    from haconsole.model.lock import LockClaim

WRITE_EVERY_S = 5.0
NOTHING_YET = "# EOF\n"
"""Written at the start: a file that cannot be written is reported before anything else."""


class UnwrittenFileError(HaconsoleError):
    """The file for Prometheus cannot be written."""

    exit_code = ExitCode.FAILED


@click.command()
@reaching
@click.option(
    "--openmetrics",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=(
        "Write state and metrics to FILE every 5 s. node_exporter's textfile collector reads only files whose names "
        "end in .prom."
    ),
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON in the format haconsole/notice/v1, one event per line."
)
@click.option("--hook", default="", metavar="CMD", help="Run CMD at every event, with its JSON on stdin.")
@click.option(
    "--notify",
    type=click.Choice(("auto", *(each.value for each in TerminalSignal))),
    default=TerminalSignal.NONE.value,
    envvar="HACONSOLE_NOTIFY",
    help="The kind of terminal notice for each event. HACONSOLE_NOTIFY sets it too. Default: none.",
)
@click.option("--bell", is_flag=True, help="Ring the terminal's bell at every event: --notify bell.")
def watch(
    inventory: Path,
    file: Path | None,
    as_json: bool,
    hook: str,
    notify: str,
    bell: bool,
    accept_host_key: tuple[str, ...],
) -> int:
    """Watch the cluster without a screen: print each finding as it opens and closes, and the end of runs, until Ctrl-C.

    Findings that are open at the start are printed too. Runs of other consoles are seen by the cluster's lock; their
    outcome is unknown unless they are logged here.

    With --openmetrics an existing Prometheus gets state and figures too. The file is removed at the end, so that old
    figures are not taken for current ones. Changes nothing on the hosts.
    """
    from haconsole.session.hook import hook_command

    signal = signal_for(os.environ) if notify == "auto" else TerminalSignal(notify)
    if bell and signal is TerminalSignal.NONE:
        signal = TerminalSignal.BELL
    reporter = Reporter(hook_command(hook), as_json=as_json, signal=signal)
    return with_session(inventory, accept_host_key, lambda session: _watch(session, file, reporter))


async def _watch(session: Session, file: Path | None, reporter: Reporter) -> int:
    out = MetricsFile(file) if file is not None else None
    try:
        if out is not None:
            out.write(NOTHING_YET)
        await _follow(session, out, reporter)
    finally:
        if out is not None:
            out.remove()
    return int(ExitCode.OK)


async def _follow(session: Session, out: MetricsFile | None, reporter: Reporter) -> None:
    measurements, loop = Measurements(len(session.inventory.hosts)), asyncio.get_running_loop()
    last_write = -WRITE_EVERY_S
    async for status in session.observer.watch():
        measurements.add(status.snapshot)
        notices = await reporter.report(session, status)
        if out is not None and (notices or loop.time() - last_write >= WRITE_EVERY_S):
            out.write(openmetrics(status, measurements, datetime.now(UTC)))
            last_write = loop.time()


class Reporter:
    """Prints notices and calls the hook, one after the other."""

    def __init__(self, hook: tuple[str, ...], *, as_json: bool, signal: TerminalSignal) -> None:
        self._hook = hook
        self._as_json = as_json
        self._signal = signal
        self._findings = FindingWatch()
        self._claim: LockClaim | None = None

    async def report(self, session: Session, status: ClusterStatus) -> tuple[Notice, ...]:
        """Report the changes since the previous status."""
        self._findings, findings = self._findings.after(status)
        notices = (*findings, *await self._ended(session, status))
        for notice in notices:
            await self._report(notice)
        return notices

    async def _ended(self, session: Session, status: ClusterStatus) -> tuple[Notice, ...]:
        """The run whose lock was released since the last status."""
        from haconsole.model.lock_view import claim_after

        before, self._claim = self._claim, claim_after(self._claim, status.snapshot)
        if before is None or not before.run or (self._claim is not None and self._claim.run == before.run):
            return ()
        outcome = await _outcome(session, before.run)
        at, cluster = status.snapshot.observed_at, status.snapshot.cluster
        return (run_ended(cluster, at, run=before.run, action=before.action, outcome=outcome),)

    async def _report(self, notice: Notice) -> None:
        from haconsole.session.hook import call_hook

        show(notice.json if self._as_json else notice_line(notice))
        sys.stdout.flush()
        text = signal_text(self._signal, notice)
        if text and sys.stderr.isatty():
            click.echo(text, nl=False, err=True)
        if self._hook and (problem := await call_hook(self._hook, notice.json)):
            click.echo(f"haconsole: hook: {problem}", err=True)


async def _outcome(session: Session, run: str) -> str:
    """The outcome of the run by its log here; unknown if it is logged elsewhere."""
    from haconsole.errors import HaconsoleError

    try:
        record = await session.history.record(run)
    except HaconsoleError:
        return "unknown"
    return str(record.outcome or "unknown")


def notice_line(notice: Notice) -> str:
    """The notice in a line, with its time."""
    at = f"{notice.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    if notice.kind is NoticeKind.RUN_ENDED:
        return f"{at} ■ {notice.text}, run {notice.fields['run']}"
    opened = notice.kind is NoticeKind.FINDING_OPENED
    state = severity_cell(Severity(notice.fields["severity"])).text if opened else "● resolved"
    return f"{at} {state} {notice.fields['code']} {notice.fields['subject']}: {notice.fields['summary']}"


class MetricsFile:
    """A file that readers see complete at any time. Raises UnwrittenFileError naming it when it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, text: str) -> None:
        """Replace the content at once."""
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    os.fchmod(file.fileno(), 0o644)
                Path(name).replace(self._path)
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            hint = file_hint(self._path, error, to_write=True)
            raise UnwrittenFileError(f"{self._path} cannot be written: {error.strerror}", hint=hint) from None

    def remove(self) -> None:
        """Remove the file, if it is there."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
