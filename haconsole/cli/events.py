"""`events`: elections, VRRP states, starts, ends, boots and clock jumps of the last hours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from haconsole.cli.arguments import Number
from haconsole.cli.output import show
from haconsole.cli.reaching import reaching, with_session
from haconsole.errors import ExitCode
from haconsole.session import Session

MOST_HOURS = 168.0


@click.command()
@reaching
@click.option(
    "--hours",
    type=Number(0.1, MOST_HOURS),
    default=6.0,
    show_default=True,
    metavar="N",
    help="Show the last N hours, at most 168.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in the format haconsole/events/v1.")
def events(inventory: Path, hours: float, as_json: bool, accept_host_key: tuple[str, ...]) -> int:
    """Show events of the last hours from the hosts' journals: elections, VRRP states, starts, ends, boots, clock jumps.

    Times are by this machine's clock: each host's measured clock offset is subtracted. Of a host with very many events
    only the newest are shown. Exits with 3 if no host could be read. Changes nothing.
    """
    return with_session(inventory, accept_host_key, lambda session: _events(session, hours, as_json=as_json))


async def _events(session: Session, hours: float, *, as_json: bool) -> int:
    from haconsole.cli.reports.encoding import encoded
    from haconsole.cli.reports.events import events_report
    from haconsole.cli.reports.page import table_lines
    from haconsole.present.past import past_table

    snapshot = (await session.observer.status()).snapshot
    pasts = await session.observer.past_events(int(hours * 3600), snapshot.clock_offsets_ms())
    if as_json:
        show(encoded(events_report(snapshot, pasts, hours)))
    else:
        show("\n".join(table_lines(past_table(pasts, snapshot, hours, datetime.now(UTC)))))
    return int(ExitCode.UNKNOWN if all(past.problem for past in pasts) else ExitCode.OK)
