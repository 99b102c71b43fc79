"""Leader-election leases (coordination.k8s.io) and their holders."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from haconsole.model.names import HostName


class LeaseSource(StrEnum):
    """The source of a lease: the API's Lease, etcd's stored copy, or the older annotation on an Endpoints object."""

    API = "api"
    ETCD = "etcd"
    ENDPOINTS = "endpoints"


class LeaseState(StrEnum):
    HELD = "held"
    EXPIRED = "expired"
    RELEASED = "released"


class Lease(msgspec.Struct, frozen=True):
    """One lease. `host` is the inventory's host behind `holder`, None when no host matches.

    Its times are the holder's, whose clock is `clock_ahead_s` ahead of this machine's; 0 if that is not known.
    `read_at` is when this state was last confirmed: the lease is judged at that time, not when it is shown.
    """

    namespace: str
    name: str
    holder: str
    host: HostName | None
    acquired_at: datetime | None
    renewed_at: datetime | None
    duration_s: int
    transitions: int
    source: LeaseSource
    clock_ahead_s: float = 0.0
    read_at: datetime | None = None

    def age_s(self, now: datetime) -> float | None:
        """Seconds from the last renewal to `now`, this machine's time; None when it was never renewed."""
        if self.renewed_at is None:
            return None
        return (now - self.renewed_at).total_seconds() + self.clock_ahead_s

    def state(self, now: datetime) -> LeaseState:
        """RELEASED without a holder, EXPIRED when the last renewal was older than the duration when it was read.

        `now` is used if the time of reading is unknown.
        """
        if not self.holder:
            return LeaseState.RELEASED
        age_s = self.age_s(self.read_at or now)
        if age_s is None or age_s > self.duration_s:
            return LeaseState.EXPIRED
        return LeaseState.HELD
