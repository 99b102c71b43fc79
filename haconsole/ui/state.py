"""The console's knowledge at a moment: one frozen value that every screen draws from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from haconsole.model.findings import Finding, Health
from haconsole.present.bar import BarLink, LinkState

if TYPE_CHECKING:
    from haconsole.model.lanes import Chronicle
    from haconsole.model.past import HostPast
    from haconsole.model.snapshot import ClusterSnapshot
    from haconsole.model.status import ClusterStatus
    from haconsole.present.arrange import PaneId
    from haconsole.present.changes import SnapshotChange
    from haconsole.present.table import TableView

Clock = Callable[[], datetime]
"""The current time, aware and UTC."""


MANY_ROWS = 200


class ConsoleState(msgspec.Struct, frozen=True):
    """The newest snapshot (None: none yet), its findings, the changes since start, and the stream's state.

    `tables` are those of the panes, as they were when the snapshot arrived. `chronicle` is edited in place with
    each status.
    """

    link: BarLink
    snapshot: ClusterSnapshot | None = None
    findings: tuple[Finding, ...] = ()
    health: Health = Health.UNKNOWN
    history: tuple[SnapshotChange, ...] = ()
    tables: Mapping[PaneId, TableView] = msgspec.field(default_factory=dict)
    chronicle: Chronicle | None = None
    can_fix: bool = True
    """Whether a key starts the fix of a finding; not in a console that changes nothing."""

    def updated(self, status: ClusterStatus, now: datetime) -> ConsoleState:
        """The state after a new status arrived at `now`."""
        from haconsole.present.arrange import PaneId
        from haconsole.present.findings import with_since
        from haconsole.present.tables import TABLES, table_of
        from haconsole.present.trends import with_trends

        state = self.remembering(status)
        snapshot, findings, history, chronicle = status.snapshot, status.findings, state.history, state.chronicle
        assert chronicle is not None
        link = self.link if self.link.state is LinkState.LIVE else BarLink(LinkState.LIVE, now)
        can_fix = self.can_fix
        views = {pane: table_of(pane, snapshot, findings, history, now, can_fix=can_fix) for pane in TABLES}
        tables = {pane: with_trends(pane, view, snapshot, chronicle.measurements, now) for pane, view in views.items()}
        tables[PaneId.FINDINGS] = with_since(tables[PaneId.FINDINGS], chronicle.lanes, now)
        return ConsoleState(link, snapshot, findings, status.health, history, tables, chronicle, can_fix)

    def remembering(self, status: ClusterStatus) -> ConsoleState:
        """The state with the figures, lanes and changes of a new status, and the previous tables."""
        from haconsole.model.lanes import Chronicle
        from haconsole.present.changes import changes, finding_changes, remembered

        snapshot, findings = status.snapshot, status.findings
        chronicle = self.chronicle or Chronicle(len(snapshot.hosts))
        chronicle.add(status)
        history, before = self.history, self.snapshot
        if before is not None:
            new = (*changes(before, snapshot), *finding_changes(before, snapshot, self.findings, findings))
            history = remembered(history, new) if new else history
        return replace(
            self,
            snapshot=snapshot,
            findings=findings,
            health=status.health,
            history=history,
            chronicle=chronicle,
        )

    def tables_at(self, now: datetime, panes: Collection[PaneId]) -> Mapping[PaneId, TableView]:
        """The tables at a time after the snapshot: leases, and nodes if among `panes`, lapse without renewal."""
        if self.snapshot is None:
            return self.tables
        from haconsole.present.arrange import PaneId
        from haconsole.present.leases import leases_table
        from haconsole.present.nodes import nodes_table

        nodes = {PaneId.NODES: nodes_table(self.snapshot, now)} if PaneId.NODES in panes else {}
        return {**self.tables, PaneId.LEASES: leases_table(self.snapshot, now), **nodes}

    def with_past(self, pasts: tuple[HostPast, ...], now: datetime) -> ConsoleState:
        """The state with the events of the hosts' journals from before the first change."""
        if self.snapshot is None or self.chronicle is None:
            return self
        from haconsole.model.past_lanes import add_past
        from haconsole.present.arrange import PaneId
        from haconsole.present.changes import KEPT, events_table
        from haconsole.present.past import past_changes

        before = self.history[-1].at if self.history else now
        add_past(self.chronicle.lanes, pasts, self.snapshot, now)
        history = (*self.history, *past_changes(pasts, self.snapshot, before))[:KEPT]
        return replace(self, history=history, tables={**self.tables, PaneId.EVENTS: events_table(history, now)})

    @property
    def large(self) -> bool:
        """Whether there is so much on the screen that the next snapshot is better judged in a thread."""
        return sum(len(table.rows) for table in self.tables.values()) > MANY_ROWS

    def with_link(self, link: BarLink) -> ConsoleState:
        """The state with the stream as it is now; the reason of an interruption is added once to the events."""
        from haconsole.present.arrange import PaneId
        from haconsole.present.cells import Tone
        from haconsole.present.changes import SnapshotChange, events_table, remembered

        if link.state is not LinkState.BROKEN:
            return replace(self, link=link)
        if self.link.state is LinkState.BROKEN:
            link, is_same = replace(link, since=self.link.since), self.link.reason == link.reason
            if is_same:
                return replace(self, link=link)
        history = remembered(
            self.history, (SnapshotChange(link.since, "console", f"✖ cut off: {link.reason}", Tone.CRITICAL),)
        )
        tables = self.tables and {**self.tables, PaneId.EVENTS: events_table(history, link.since)}
        return replace(self, link=link, history=history, tables=tables)
