"""Makes each pane's table from a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from haconsole.model.findings import Finding
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.arrange import PaneId
from haconsole.present.certificates import certificates_table
from haconsole.present.changes import SnapshotChange, events_table
from haconsole.present.etcd import etcd_table
from haconsole.present.findings import findings_table
from haconsole.present.haproxy import haproxy_table
from haconsole.present.hosts import hosts_table
from haconsole.present.leases import leases_table
from haconsole.present.nodes import nodes_table
from haconsole.present.table import TableView
from haconsole.present.vips import vips_table

TABLES: tuple[PaneId, ...] = tuple(pane for pane in PaneId if pane not in (PaneId.DETAIL, PaneId.STEPS))


_OF_SNAPSHOT: dict[PaneId, Callable[[ClusterSnapshot], TableView]] = {
    PaneId.ETCD: etcd_table,
    PaneId.VIPS: vips_table,
    PaneId.HAPROXY: haproxy_table,
    PaneId.HOSTS: hosts_table,
}
_AT_TIME: dict[PaneId, Callable[[ClusterSnapshot, datetime], TableView]] = {
    PaneId.LEASES: leases_table,
    PaneId.CERTIFICATES: certificates_table,
    PaneId.NODES: nodes_table,
}


def table_of(
    pane: PaneId,
    snapshot: ClusterSnapshot,
    findings: tuple[Finding, ...],
    history: tuple[SnapshotChange, ...],
    now: datetime,
    *,
    can_fix: bool = True,
) -> TableView:
    """The table of one pane; raises ValueError for a pane without one."""
    if pane in _OF_SNAPSHOT:
        return _OF_SNAPSHOT[pane](snapshot)
    if pane in _AT_TIME:
        return _AT_TIME[pane](snapshot, now)
    if pane is PaneId.FINDINGS:
        return findings_table(findings, snapshot, can_fix=can_fix)
    if pane is PaneId.EVENTS:
        return events_table(history, now)
    raise ValueError(f"{pane} is not a table of the dashboard")
