"""Each pane's table."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

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
from haconsole.present.table import TableView
from haconsole.present.vips import vips_table

TABLES: tuple[PaneId, ...] = tuple(pane for pane in PaneId if pane not in (PaneId.DETAIL, PaneId.STEPS))


def table_of(
    pane: PaneId,
    snapshot: ClusterSnapshot,
    findings: tuple[Finding, ...],
    history: tuple[SnapshotChange, ...],
    now: datetime,
) -> TableView:
    """The table of one pane."""
    match pane:
        case PaneId.ETCD:
            return etcd_table(snapshot)
        case PaneId.VIPS:
            return vips_table(snapshot)
        case PaneId.HAPROXY:
            return haproxy_table(snapshot)
        case PaneId.LEASES:
            return leases_table(snapshot, now)
        case PaneId.HOSTS:
            return hosts_table(snapshot)
        case PaneId.FINDINGS:
            return findings_table(findings, snapshot)
        case PaneId.EVENTS:
            return events_table(history, now)
        case PaneId.CERTIFICATES:
            return certificates_table(snapshot, now)
        case PaneId.DETAIL | PaneId.STEPS:
            raise ValueError(f"{pane} is no table of the dashboard")
        case _:
            assert_never(pane)
