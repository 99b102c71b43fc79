"""`status` and `doctor` as a page of plain text: the screen's panes, one below the other, findings last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from haconsole.cli.output import UNLIMITED
from haconsole.cli.reports.page import detail_text, table_lines
from haconsole.model.endpoint_view import endpoint_view
from haconsole.model.findings import Finding, Health
from haconsole.model.lock_view import lock_sentence, lock_view
from haconsole.model.snapshot import ClusterSnapshot, PendingFact
from haconsole.present.arrange import PaneId
from haconsole.present.detail import Detail, Fact
from haconsole.present.details.others import about_finding
from haconsole.present.services import services_table
from haconsole.present.tables import table_of

PANES = (PaneId.HOSTS, PaneId.ETCD, PaneId.VIPS, PaneId.HAPROXY, PaneId.LEASES, PaneId.NODES)


def status_text(
    snapshot: ClusterSnapshot, findings: tuple[Finding, ...], health: Health, now: datetime, width: int = UNLIMITED
) -> str:
    """Each pane of the dashboard with all its columns, the lock, then the findings wrapped at `width` columns."""
    lines = [f"{snapshot.cluster}: {health.value}, observed {snapshot.observed_at:%Y-%m-%d %H:%M:%S}Z"]
    for pane in PANES:
        lines += ("", *table_lines(table_of(pane, snapshot, findings, (), now)))
    lines += ("", *table_lines(services_table(snapshot)))
    return "\n".join(
        (*lines, *_endpoint(snapshot), *_lock(snapshot), "", doctor_text(snapshot, findings, health, now, width))
    )


def doctor_text(
    snapshot: ClusterSnapshot, findings: tuple[Finding, ...], health: Health, now: datetime, width: int = UNLIMITED
) -> str:
    """Each finding as the screen shows it, with remedies as commands."""
    text = findings_text(findings, width) if findings else f"{snapshot.cluster}: {health.value}, no findings"
    return f"{text}\n\n{_pending(snapshot.pending)}" if snapshot.pending else text


def _pending(pending: tuple[PendingFact, ...]) -> str:
    """``Pending: cp2 (etcd, certificates)``."""
    facts: dict[str, list[str]] = {}
    for one in pending:
        facts.setdefault(one.host or "the cluster", []).append(one.fact)
    rows = "; ".join(f"{host} ({', '.join(names)})" for host, names in facts.items())
    return f"Pending: {rows}. The complete list follows."


def findings_text(findings: tuple[Finding, ...], width: int = UNLIMITED) -> str:
    """Each finding with its fix, why it matters and the evidence."""
    return "\n\n".join(_finding_text(finding, width) for finding in findings)


def _finding_text(finding: Finding, width: int) -> str:
    from haconsole.actions.command_line import remedy_line

    detail = about_finding(finding, remedy_line)
    items = tuple(item for item in detail.items if not (isinstance(item, Fact) and item.label == "severity"))
    title = f"{finding.severity.upper()} {finding.code} {finding.subject}"
    return detail_text(Detail(title, items), width=width)


def _endpoint(snapshot: ClusterSnapshot) -> Iterator[str]:
    view = endpoint_view(snapshot)
    if view is not None:
        yield from ("", view.sentence)


def _lock(snapshot: ClusterSnapshot) -> Iterator[str]:
    view = lock_view(snapshot)
    if view is not None:
        yield from ("", f"lock: {lock_sentence(view)} (on {', '.join(view.hosts)})")
