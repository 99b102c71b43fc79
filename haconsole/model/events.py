"""Events that are harmless once and a problem when they repeat: VIP moves, elections, lease changes, slow writes."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class EventKind(StrEnum):
    """The event that a program logged."""

    MASTER = "master"
    """keepalived took a VIP."""
    ELECTED = "elected"
    """An etcd member saw the election of a leader."""
    ACQUIRED = "acquired"
    """A component took its leader lock."""
    FOREIGN_ADVERT = "foreign-advert"
    """keepalived received an advert of its router ID for other addresses."""
    SLOW_WRITE = "slow-write"
    """etcd waited for more than a second until a write was on the disk."""


class RecentEvents(msgspec.Struct, frozen=True):
    """The events of one kind on one host; `ages_s` are their ages when they were read, the oldest first."""

    kind: EventKind
    ages_s: tuple[int, ...]

    def within(self, seconds: float) -> int:
        """The number of those that are not older."""
        return sum(age <= seconds for age in self.ages_s)
