"""`watch`: the cluster without a screen: findings as they open and close, and the figures for Prometheus."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from haconsole.cli.output import show
from haconsole.cli.reaching import reaching, with_session
from haconsole.cli.reports.openmetrics import openmetrics
from haconsole.errors import ExitCode, HaconsoleError
from haconsole.model.findings import Finding
from haconsole.model.series import Measurements
from haconsole.model.status import ClusterStatus
from haconsole.present.findings import severity_cell
from haconsole.session import Session

WRITE_EVERY_S = 5.0


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
    help="Replace FILE every 5 s with state and figures; for node_exporter's textfile collector it ends in .prom.",
)
def watch(inventory: Path, file: Path | None, accept_host_key: tuple[str, ...]) -> int:
    """Watch the cluster without a screen: print each finding as it opens and closes, until Ctrl-C.

    With --openmetrics an existing Prometheus gets state and figures too. The file is removed at the end, so that old
    figures are not taken for current ones. Changes nothing on the hosts.
    """
    return with_session(inventory, accept_host_key, lambda session: _watch(session, file))


async def _watch(session: Session, file: Path | None) -> int:
    out = MetricsFile(file) if file is not None else None
    try:
        await _follow(session, out)
    finally:
        if out is not None:
            out.remove()
    return int(ExitCode.OK)


async def _follow(session: Session, out: MetricsFile | None) -> None:
    measurements, loop = Measurements(len(session.inventory.hosts)), asyncio.get_running_loop()
    findings: tuple[Finding, ...] = ()
    written = -WRITE_EVERY_S
    async for status in session.observer.watch():
        measurements.add(status.snapshot)
        changes = changed_findings(findings, status)
        for line in changes:
            show(line)
        findings = status.findings
        if out is not None and (changes or loop.time() - written >= WRITE_EVERY_S):
            out.write(openmetrics(status, measurements, datetime.now(UTC)))
            written = loop.time()


def changed_findings(before: tuple[Finding, ...], status: ClusterStatus) -> tuple[str, ...]:
    """A line for each finding that opened or closed, with its time."""
    had = {(each.code, each.subject): each for each in before}
    have = {(each.code, each.subject): each for each in status.findings}
    at = f"{status.snapshot.observed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    opened = (
        f"{at} {severity_cell(one.severity).text} {one.code} {one.subject}: {one.summary}"
        for key, one in have.items()
        if key not in had
    )
    closed = (f"{at} ● resolved {one.code} {one.subject}: {one.summary}" for key, one in had.items() if key not in have)
    return (*opened, *closed)


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
            hint = "name a file in a folder that exists and that this user may write"
            raise UnwrittenFileError(f"{self._path} cannot be written: {error.strerror}", hint=hint) from None

    def remove(self) -> None:
        """Remove the file, if it is there."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
