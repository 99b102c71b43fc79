"""All tables of the dashboard at once."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.findings import Finding
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.ui.present.arrange import PaneId
from haconsole.ui.present.cells import Cell, Tone
from haconsole.ui.present.changes import Change, events_table
from haconsole.ui.present.etcd import etcd_table
from haconsole.ui.present.findings import findings_table
from haconsole.ui.present.haproxy import haproxy_table
from haconsole.ui.present.hosts import hosts_table
from haconsole.ui.present.leases import leases_table
from haconsole.ui.present.table import TableView
from haconsole.ui.present.vips import vips_table

TITLES = {
    PaneId.ETCD: "etcd",
    PaneId.VIPS: "VIP owner",
    PaneId.HAPROXY: "haproxy",
    PaneId.LEASES: "lease holders",
    PaneId.HOSTS: "hosts",
}


def dashboard_tables(
    snapshot: ClusterSnapshot | None, findings: tuple[Finding, ...], history: tuple[Change, ...], now: datetime
) -> dict[PaneId, TableView]:
    """Each pane's table; before the first snapshot each says that it waits."""
    common = {
        PaneId.FINDINGS: findings_table(findings, snapshot),
        PaneId.EVENTS: events_table(history, now),
    }
    if snapshot is None:
        return {pane: waiting(title) for pane, title in TITLES.items()} | common
    return {
        PaneId.ETCD: etcd_table(snapshot),
        PaneId.VIPS: vips_table(snapshot),
        PaneId.HAPROXY: haproxy_table(snapshot),
        PaneId.LEASES: leases_table(snapshot, now),
        PaneId.HOSTS: hosts_table(snapshot),
    } | common


def waiting(title: str) -> TableView:
    return TableView(title, (), (), None, (), Cell("? waiting for the first answers", Tone.UNKNOWN))
