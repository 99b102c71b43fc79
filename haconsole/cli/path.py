"""`path`: the way of a request from clients to etcd, as a drawing and hop by hop."""

from __future__ import annotations

from pathlib import Path

import click

from haconsole.cli.output import page_width, show
from haconsole.cli.reaching import reaching, with_session
from haconsole.session import Session

MOST_WIDTH, LEAST_WIDTH = 160, 40


@click.command()
@reaching
@click.option("--json", "as_json", is_flag=True, help="Print JSON in the format haconsole/path/v1.")
def path(inventory: Path, as_json: bool, accept_host_key: tuple[str, ...]) -> int:
    """Show the path of a request: clients, VIPs, balancers, API servers and etcd members, and every hop between them.

    Each balancer's own check of each API server is a hop. A hop that nobody reports now is unknown. Changes
    nothing. Exit status like `status`.
    """
    return with_session(inventory, accept_host_key, lambda session: _path(session, as_json=as_json))


async def _path(session: Session, *, as_json: bool) -> int:
    from haconsole.cli.reports.encoding import encoded
    from haconsole.cli.reports.path import path_report, path_text
    from haconsole.cli.status import EXIT
    from haconsole.present.path.of_cluster import request_path

    status, _ = await session.observer.measure()
    way = request_path(status.snapshot, session.inventory)
    width = max(LEAST_WIDTH, min(page_width(), MOST_WIDTH))
    show(encoded(path_report(status.snapshot, way)) if as_json else path_text(way, width))
    return int(EXIT[status.health])
