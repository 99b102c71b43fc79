"""Tables and graphs limited to one host: what is on it, and what names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from haconsole.model.findings import Finding
from haconsole.model.lanes import LaneKind
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.arrange import PaneId
from haconsole.present.cells import Cell, Tone
from haconsole.present.graph import CurveRow, GraphRow
from haconsole.present.host_of_row import host_of
from haconsole.present.offers import finding_of
from haconsole.present.row_keys import EventKey, FindingKey, RowKey
from haconsole.present.table import Row, TableView


class HostTables:
    """The tables with the rows of one host only; their heads still cover all hosts.

    A table is limited once, not for each second that passes: a table that did not change is the same object.
    """

    def __init__(self) -> None:
        self._basis: tuple[HostName, ClusterSnapshot | None, tuple[Finding, ...]] | None = None
        """The host, and the values that decide which rows are of it."""
        self._cache: dict[PaneId, tuple[TableView, TableView]] = {}
        """Each table with its limited form."""

    def limit(
        self,
        tables: Mapping[PaneId, TableView],
        host: HostName,
        snapshot: ClusterSnapshot | None,
        findings: tuple[Finding, ...],
    ) -> dict[PaneId, TableView]:
        basis = (host, snapshot, findings)
        if self._basis is None or any(old is not new for old, new in zip(self._basis, basis, strict=True)):
            self._basis, self._cache = basis, {}
        missing = {pane: view for pane, view in tables.items() if not self._has(pane, view)}
        of_host = only_host(missing, host, snapshot, findings)
        self._cache |= {pane: (view, of_host[pane]) for pane, view in missing.items()}
        return {pane: self._cache[pane][1] for pane in tables}

    def _has(self, pane: PaneId, view: TableView) -> bool:
        return pane in self._cache and self._cache[pane][0] is view


def only_host(
    tables: Mapping[PaneId, TableView], host: HostName, snapshot: ClusterSnapshot | None, findings: tuple[Finding, ...]
) -> dict[PaneId, TableView]:
    """The tables with the rows of the host only; their heads still cover all hosts."""
    names = names_host(host)

    def is_of(row: Row) -> bool:
        return _is_of(row.key, host, snapshot, findings, names) or (
            isinstance(row.key, EventKey) and any(names(cell.text) for cell in row.cells)
        )

    empty = Cell(f"no row of {host}", Tone.MUTED)
    return {
        pane: replace(view, rows=tuple(filter(is_of, view.rows)), empty=empty if view.rows else view.empty)
        for pane, view in tables.items()
    }


def names_host(host: HostName) -> Callable[[str], bool]:
    """Whether a text names the host; cp1 is not named by cp10."""
    pattern = re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)")
    return lambda text: pattern.search(text) is not None


def _is_of(
    key: RowKey,
    host: HostName,
    snapshot: ClusterSnapshot | None,
    findings: tuple[Finding, ...],
    names: Callable[[str], bool],
) -> bool:
    if not isinstance(key, FindingKey):
        return host_of(key, snapshot) == host
    finding = finding_of(key, findings)
    texts = (finding.subject, finding.summary, *finding.evidence) if finding is not None else (key.subject,)
    return any(map(names, texts))


def graph_rows_of(rows: tuple[GraphRow, ...], host: HostName) -> tuple[GraphRow, ...]:
    """The lanes and curves of the host; those of the cluster's leader, VIPs, leases and runs stay."""
    names = names_host(host)

    def is_of(row: GraphRow) -> bool:
        if isinstance(row, CurveRow):
            return row.key.host in ("", host)
        match row.key.kind:
            case LaneKind.SERVICES:
                return row.key.name == host
            case LaneKind.SERVER:
                return row.key.name.rpartition("/")[2] == host
            case LaneKind.FINDING:
                return names(row.key.name.replace("@", " ").replace(":", " "))
            case _:
                return True

    return tuple(filter(is_of, rows))
