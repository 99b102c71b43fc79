"""All tables of the dashboard at once."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.findings import Finding
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.ui.present.arrange import PaneId
from haconsole.ui.present.certificates import certificates_table
from haconsole.ui.present.changes import Change, events_table
from haconsole.ui.present.etcd import etcd_table
from haconsole.ui.present.findings import findings_table
from haconsole.ui.present.haproxy import haproxy_table
from haconsole.ui.present.hosts import hosts_table
from haconsole.ui.present.leases import leases_table
from haconsole.ui.present.table import TableView
from haconsole.ui.present.vips import vips_table


def dashboard_tables(
    snapshot: ClusterSnapshot, findings: tuple[Finding, ...], history: tuple[Change, ...], now: datetime
) -> dict[PaneId, TableView]:
    """Each pane's table."""
    return {
        PaneId.ETCD: etcd_table(snapshot),
        PaneId.VIPS: vips_table(snapshot),
        PaneId.HAPROXY: haproxy_table(snapshot),
        PaneId.LEASES: leases_table(snapshot, now),
        PaneId.HOSTS: hosts_table(snapshot),
        PaneId.FINDINGS: findings_table(findings, snapshot),
        PaneId.EVENTS: events_table(history, now),
        PaneId.CERTIFICATES: certificates_table(snapshot, now),
    }
