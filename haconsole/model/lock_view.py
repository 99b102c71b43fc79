"""The hosts' records combined: one claim, the number of hosts that have it, the age of its heartbeat."""

from __future__ import annotations

import msgspec

from haconsole.model.lock import STALE_S, HostLock, LockClaim
from haconsole.model.names import HostName
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot


class LockView(msgspec.Struct, frozen=True):
    """One claim over all hosts that have it: `hosts` in the inventory's order, the newest heartbeat among them."""

    claim: LockClaim
    hosts: tuple[HostName, ...]
    held_s: int
    heartbeat_s: int

    @property
    def stale(self) -> bool:
        return self.heartbeat_s >= STALE_S

    def held_by(self, process: str) -> bool:
        """Whether the process of this identity made the claim; False if either has no identity."""
        return bool(process) and self.claim.process == process


def lock_views(records: tuple[tuple[HostName, HostLock], ...]) -> tuple[LockView, ...]:
    """The claims that hosts have records of, those of the most hosts first."""
    views = []
    for claim in dict.fromkeys(record.claim for _, record in records):
        of_it = [(host, record) for host, record in records if record.claim == claim]
        longest_s = max(record.held_s for _, record in of_it)
        heartbeat = min(record.heartbeat_s for _, record in of_it)
        views.append(LockView(claim, tuple(host for host, _ in of_it), longest_s, heartbeat))
    return tuple(sorted(views, key=lambda view: -len(view.hosts)))


def lock_view(snapshot: ClusterSnapshot) -> LockView | None:
    """The claim that holds the lock, or comes nearest to it; None when no host knows one."""
    known = ((facts.host, value_of(facts.lock)) for facts in snapshot.hosts)
    views = lock_views(tuple((host, record) for host, record in known if record is not None))
    return views[0] if views else None


def claim_after(before: LockClaim | None, snapshot: ClusterSnapshot) -> LockClaim | None:
    """The claim that holds the lock, where `before` held it; hosts that do not answer end no claim."""
    view = lock_view(snapshot)
    if view is not None:
        return view.claim
    free = any(isinstance(facts.lock, Known) for facts in snapshot.hosts)
    return None if free else before


def lock_sentence(view: LockView, own_process: str = "") -> str:
    """The lock in a line, e.g. ``ops@desk (process 7) has run bootstrap for 40 s, run r; heartbeat 3 s ago``.

    `own_process` is the identity of this process; its own lock reads ``this console has run bootstrap for 40 s``.
    """
    claim = view.claim
    if view.held_by(own_process):
        return f"this console has been running {claim.action} for {view.held_s} s (run {claim.run})"
    state = "stale: its last heartbeat is" if view.stale else "heartbeat"
    return (
        f"{claim.holder} (process {claim.pid}) has been running {claim.action} for {view.held_s} s (run "
        f"{claim.run}); {state} {view.heartbeat_s} s ago"
    )
