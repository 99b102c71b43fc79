"""Decides whether missing facts of a snapshot may only be late."""

from __future__ import annotations

from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot

LATE = (Cause.TIMED_OUT, Cause.CONNECTION_LOST)


def may_be_late(snapshot: ClusterSnapshot) -> bool:
    """Whether an etcd on a reached host did not answer, or complete a read, in time."""
    return any(_may_be_late(facts) for facts in snapshot.hosts if isinstance(facts.reach, Known))


def _may_be_late(facts: HostFacts) -> bool:
    match facts.etcd:
        case Known(value=endpoint):
            return not endpoint.healthy
        case Failed(cause=cause):
            return cause in LATE
        case _:
            return False
