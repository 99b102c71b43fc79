"""The report of the etcd on one host about itself and its cluster."""

from __future__ import annotations

import asyncio

from haconsole.model.etcd import EtcdEndpoint, EtcdMember
from haconsole.probes.observe import all_ended
from haconsole.transport.etcd_answers import EtcdStatus
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind


async def probe_etcd(api: EtcdApi, *, deadline_s: float = 2.0) -> EtcdEndpoint:
    """Status, member list and health of one member, queried in parallel.

    Without quorum it still answers, with `healthy` False and the reason. EtcdError when the member does not answer.
    Alarms come from the status: querying them by name would add an entry to the raft log each time.
    """
    status = asyncio.create_task(api.status(deadline_s=deadline_s))
    members = asyncio.create_task(_members(api, deadline_s))
    health = asyncio.create_task(_health(api, deadline_s))
    await all_ended(status, members, health)
    return endpoint_of(status.result(), members.result(), health.result())


def endpoint_of(status: EtcdStatus, members: tuple[EtcdMember, ...], health_error: str | None) -> EtcdEndpoint:
    """One value from the three answers. A learner serves no linearizable read: it is healthy when it has a leader."""
    if status.learner:
        health_error = None if status.leader_id else "this learner has no leader"
    return EtcdEndpoint(
        member_id=status.member_id,
        cluster_id=status.cluster_id,
        leader_id=status.leader_id,
        version=status.version,
        db_size_bytes=status.db_size_bytes,
        db_in_use_bytes=status.db_in_use_bytes,
        raft_term=status.raft_term,
        raft_index=status.raft_index,
        raft_applied_index=status.raft_applied_index,
        revision=status.revision,
        learner=status.learner,
        healthy=health_error is None,
        health_error=health_error,
        members=members,
        alarms=status.alarms,
        errors=status.errors,
    )


async def _members(api: EtcdApi, deadline_s: float) -> tuple[EtcdMember, ...]:
    try:
        return await api.members(deadline_s=deadline_s)
    except EtcdError as error:
        if error.kind is EtcdErrorKind.IS_LEARNER:
            return ()
        raise


async def _health(api: EtcdApi, deadline_s: float) -> str | None:
    """The reason why no linearizable read succeeds; one late answer may be chance, two in a row are reported."""
    error = await _failed_read(api, deadline_s)
    if error is not None and error.kind is EtcdErrorKind.DEADLINE:
        error = await _failed_read(api, deadline_s)
    return error.detail if error is not None else None


async def _failed_read(api: EtcdApi, deadline_s: float) -> EtcdError | None:
    try:
        await api.check_health(deadline_s=deadline_s)
    except EtcdError as error:
        return error
    return None
