"""The dashboard before the first answers of the hosts: painted first, so with few imports."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.model.names import HostName
from haconsole.present.arrange import PaneId
from haconsole.present.cells import Cell, Tone
from haconsole.present.row_keys import HostKey
from haconsole.present.table import Column, Row, TableView

TITLES = {
    PaneId.ETCD: "etcd",
    PaneId.VIPS: "VIP owner",
    PaneId.HAPROXY: "haproxy",
    PaneId.LEASES: "lease holders",
    PaneId.FINDINGS: "findings",
    PaneId.EVENTS: "events",
    PaneId.CERTIFICATES: "certificates",
    PaneId.NODES: "nodes",
}
WAITING = Cell("? waiting for the first answers", Tone.UNKNOWN)


def waiting_tables(hosts: tuple[tuple[str, str], ...], reason: str = "") -> dict[PaneId, TableView]:
    """Every pane shows that it waits; the hosts, given as name and address, are shown as connecting.

    The reason why the stream is `reason`, if it is, is among the findings; it is retried automatically.
    """
    rows = tuple(
        Row(HostKey(HostName(name)), (Cell(name), Cell("? connecting", Tone.UNKNOWN), Cell(address, Tone.MUTED)))
        for name, address in hosts
    )
    columns = (Column("HOST", least=6), Column("SSH"), Column("ADDRESS", rank=1))
    hosts_table = TableView("hosts", columns, rows, None, (Cell(f"0/{len(rows)} reached", Tone.UNKNOWN),))
    panes = {
        pane: TableView(title, (), (), None, (), WAITING, ageless=pane is PaneId.EVENTS)
        for pane, title in TITLES.items()
    }
    if reason:
        cell = Cell(f"✖ {reason}. haconsole retries automatically.", Tone.CRITICAL)
        panes[PaneId.FINDINGS] = replace(panes[PaneId.FINDINGS], empty=cell)
    return panes | {PaneId.HOSTS: hosts_table}
