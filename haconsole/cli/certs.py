"""`certs`: every certificate, CA and service-account key on every host, the next to expire first."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from haconsole.cli.output import page_width, show
from haconsole.cli.reaching import reaching, with_session
from haconsole.cli.reports.certs import certs_health, certs_report, certs_text
from haconsole.cli.status import EXIT
from haconsole.diagnosis.certificates import is_about_certificates
from haconsole.session import Session


@click.command()
@reaching
@click.option("--json", "as_json", is_flag=True, help="Print JSON in the format haconsole/certs/v1.")
def certs(inventory: Path, as_json: bool, accept_host_key: tuple[str, ...]) -> int:
    """List every certificate of every host, the next to expire first: names, issuer, file against served, key, mode.

    The paths come from processes, kubeconfigs and the layout. Exits with 0 when all is well, 1 when something is due in
    30 days or a host did not answer, 2 when something is critical, 3 when nothing could be read.
    """

    async def look(session: Session) -> int:
        status = await session.observer.status()
        snapshot = status.snapshot
        findings = tuple(one for one in status.findings if is_about_certificates(one.code))
        health, now = certs_health(snapshot, findings), datetime.now(UTC)
        if as_json:
            click.echo(msgspec.json.encode(certs_report(snapshot, findings, health, now)).decode())
        else:
            show(certs_text(snapshot, findings, health, now, page_width()))
        return int(EXIT[health])

    return with_session(inventory, accept_host_key, look)
