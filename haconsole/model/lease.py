"""Leader-election leases (coordination.k8s.io) and who holds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from haconsole.model.names import HostName


class LeaseSource(StrEnum):
    """Where a lease was read: the API's Lease, etcd's stored copy, or the older annotation on an Endpoints object."""

    API = "api"
    ETCD = "etcd"
    ENDPOINTS = "endpoints"


class LeaseState(StrEnum):
    HELD = "held"
    EXPIRED = "expired"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Lease:
    """One leader lock. `host` is the inventory's host behind `holder`, None when no host matches."""

    namespace: str
    name: str
    holder: str
    host: HostName | None
    acquired_at: datetime | None
    renewed_at: datetime | None
    duration_s: int
    transitions: int
    source: LeaseSource

    def state(self, now: datetime) -> LeaseState:
        """RELEASED without a holder, EXPIRED when the last renewal is older than the duration at `now`."""
        if not self.holder:
            return LeaseState.RELEASED
        if self.renewed_at is None or now - self.renewed_at > timedelta(seconds=self.duration_s):
            return LeaseState.EXPIRED
        return LeaseState.HELD
