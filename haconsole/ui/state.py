"""What the console knows at a moment: one frozen value that every screen draws from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from haconsole.model.findings import Finding, Health
from haconsole.ui.present.bar import Link, LinkState

if TYPE_CHECKING:
    from haconsole.model.snapshot import ClusterSnapshot
    from haconsole.ui.present.changes import Change

Clock = Callable[[], datetime]
"""Tells the time, aware and UTC."""


@dataclass(frozen=True, slots=True)
class ConsoleState:
    """The newest snapshot (None: none yet), what is wrong in it, what changed since start, and the stream's state."""

    link: Link
    snapshot: ClusterSnapshot | None = None
    findings: tuple[Finding, ...] = ()
    health: Health = Health.UNKNOWN
    history: tuple[Change, ...] = ()

    def heard(
        self, snapshot: ClusterSnapshot, findings: tuple[Finding, ...], health: Health, now: datetime
    ) -> ConsoleState:
        """The state after a snapshot came in at `now`."""
        from haconsole.ui.present.changes import changes, finding_changes, remembered

        link = self.link if self.link.state is LinkState.LIVE else Link(LinkState.LIVE, now)
        if self.snapshot is None:
            return ConsoleState(link, snapshot, findings, health, self.history)
        new = (*changes(self.snapshot, snapshot), *finding_changes(self.snapshot, snapshot, self.findings, findings))
        history = remembered(self.history, new) if new else self.history
        return ConsoleState(link, snapshot, findings, health, history)

    def with_link(self, link: Link) -> ConsoleState:
        return replace(self, link=link)
