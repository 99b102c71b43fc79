"""`status` and `doctor`: the cluster as a page of text or as JSON, and its findings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path

import click
import msgspec

from haconsole.cli.output import page_width, show
from haconsole.cli.reaching import reaching, with_session
from haconsole.cli.reports.findings import doctor_report
from haconsole.cli.reports.status import status_report
from haconsole.errors import ExitCode, UsageError
from haconsole.model.findings import Health
from haconsole.model.series import Measurements
from haconsole.model.status import ClusterStatus
from haconsole.session import Session

EXIT = {
    Health.HEALTHY: ExitCode.OK,
    Health.DEGRADED: ExitCode.DEGRADED,
    Health.CRITICAL: ExitCode.CRITICAL,
    Health.UNKNOWN: ExitCode.UNKNOWN,
}

AT_ONCE_S = 0.1
MORE_FOLLOWS = "More checks are running. The complete list follows."
COMPLETE_LIST = "The complete list:"
SAME_LIST = "The list is complete."

Render = Callable[[ClusterStatus, datetime], str]


@click.command()
@reaching
@click.option("--json", "as_json", is_flag=True, help="Print JSON in the format haconsole/status/v1.")
@click.option("--watch", is_flag=True, help="Print again at every change, until Ctrl-C.")
def status(inventory: Path, as_json: bool, watch: bool, accept_host_key: tuple[str, ...]) -> int:
    """Show the cluster's state: hosts, etcd, VIPs, haproxy, leases, certificates, findings.

    Exits with 0 healthy, 1 degraded, 2 critical, 3 unknown (no host answered), 5 for a bad inventory.
    """
    if as_json:
        return with_session(inventory, accept_host_key, _follow_json if watch else _once_json)
    look = _follow if watch else _once
    return with_session(inventory, accept_host_key, lambda session: look(session, _status_text))


def _explain(context: click.Context, _parameter: click.Parameter, code: str | None) -> None:
    """Print a code's page and end, without an inventory."""
    if code is None:
        return
    from haconsole.diagnosis.page_text import page_text
    from haconsole.diagnosis.pages import PAGES

    if code not in PAGES:
        close = [one for one in PAGES if code in one] or sorted(PAGES)
        raise UsageError(f"there is no finding code {code!r}", hint=f"choose one of: {', '.join(close)}")
    show(page_text(code))
    context.exit(int(ExitCode.OK))


@click.command()
@reaching
@click.option("--json", "as_json", is_flag=True, help="Print JSON in the format haconsole/doctor/v1.")
@click.option(
    "--complete", is_flag=True, help="Wait for every host, however long it takes, and show only the complete list."
)
@click.option(
    "--explain",
    metavar="CODE",
    callback=_explain,
    expose_value=False,
    is_eager=True,
    help="Print what a finding code means: signal, why it matters, check by hand, fix.",
)
def doctor(inventory: Path, as_json: bool, complete: bool, accept_host_key: tuple[str, ...]) -> int:
    """Show the findings, most severe first: cause, evidence and fix. Exit status like `status`.

    Shows what is known after 5 s, however long a host takes. The text then names what is pending and shows the complete
    list once it is known; the JSON has the former in `pending` and ends. If nothing is known by then, it waits.
    """
    render = _doctor_json if as_json else _doctor_text
    if complete:
        return with_session(inventory, accept_host_key, partial(_examine_completely, render))
    return with_session(inventory, accept_host_key, _examine_once if as_json else _examine)


async def _once(session: Session, render: Render) -> int:
    return _show(await session.observer.status(), render)


async def _once_json(session: Session) -> int:
    status, measurements = await session.observer.measure()
    return _show(status, partial(_status_json, measurements))


async def _follow_json(session: Session) -> int:
    code, measurements = int(ExitCode.UNKNOWN), Measurements(len(session.inventory.hosts))
    async for status in session.observer.watch():
        measurements.add(status.snapshot)
        code = _show(status, partial(_status_json, measurements))
    return code


async def _examine(session: Session) -> int:
    """The first report names what is missing, and the complete one is printed only where it is another one.

    The modules that render the text are loaded while the hosts answer: the first report then needs no import.
    """
    before: ClusterStatus | None = None
    load = asyncio.create_task(asyncio.to_thread(import_module, "haconsole.cli.reports.text"))
    async with aclosing(session.observer.examine()) as statuses, aclosing(_with_end(statuses)) as reports:
        async for status, is_complete in reports:
            await load
            show(_next_report(before, status, is_complete=is_complete))
            before = status
    return int(EXIT[before.health] if before is not None else ExitCode.UNKNOWN)


def _next_report(before: ClusterStatus | None, status: ClusterStatus, *, is_complete: bool) -> str:
    """The list, or that the list `before` was complete already."""
    if before is not None and (before.findings, before.health) == (status.findings, status.health):
        return SAME_LIST
    text = _doctor_text(status, datetime.now(UTC))
    if not is_complete:
        return f"{text}\n" if status.snapshot.pending else f"{text}\n\n{MORE_FOLLOWS}\n"
    return f"{COMPLETE_LIST}\n\n{text}" if before is not None else text


async def _with_end(
    statuses: AsyncGenerator[ClusterStatus, None],
) -> AsyncGenerator[tuple[ClusterStatus, bool], None]:
    """Each status with whether it is the last; one that the next follows at once is left out."""
    status = await anext(statuses, None)
    while status is not None:
        following = asyncio.ensure_future(anext(statuses, None))
        try:
            await asyncio.wait((following,), timeout=AT_ONCE_S)
            if not following.done() or following.result() is None:
                yield status, following.done()
            status = await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _examine_once(session: Session) -> int:
    """The first status by which anything is known, or the complete one."""
    async with aclosing(session.observer.examine()) as statuses:
        async for status in statuses:
            if status.findings or status.health is not Health.UNKNOWN or not status.snapshot.pending:
                break
        return _show(status, _doctor_json)


async def _examine_completely(render: Render, session: Session) -> int:
    *_, status = [status async for status in session.observer.examine()]
    return _show(status, render)


async def _follow(session: Session, render: Render) -> int:
    code = int(ExitCode.UNKNOWN)
    async for status in session.observer.watch():
        code = _show(status, render)
    return code


def _show(status: ClusterStatus, render: Render) -> int:
    show(render(status, datetime.now(UTC)))
    return int(EXIT[status.health])


def _status_text(status: ClusterStatus, now: datetime) -> str:
    from haconsole.cli.reports.text import status_text

    return status_text(status.snapshot, status.findings, status.health, now, page_width())


def _doctor_text(status: ClusterStatus, now: datetime) -> str:
    from haconsole.cli.reports.text import doctor_text

    return doctor_text(status.snapshot, status.findings, status.health, now, page_width())


def _status_json(measurements: Measurements, status: ClusterStatus, now: datetime) -> str:
    report = status_report(status.snapshot, status.findings, status.health, now, measurements)
    return msgspec.json.encode(report).decode()


def _doctor_json(status: ClusterStatus, now: datetime) -> str:
    snapshot = status.snapshot
    report = doctor_report(snapshot.cluster, snapshot.observed_at, status.health, status.findings, snapshot.pending)
    return msgspec.json.encode(report).decode()
