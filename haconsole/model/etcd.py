"""etcd as its members describe it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from haconsole.model.names import MemberId
from haconsole.model.observed import Observed


class EtcdMember(msgspec.Struct, frozen=True):
    """One entry of the member list (etcd API: Cluster.MemberList). A member without a name has never started."""

    id: MemberId
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool

    @property
    def started(self) -> bool:
        return bool(self.name)


class EtcdAlarm(msgspec.Struct, frozen=True):
    """An active alarm: `kind` is NOSPACE or CORRUPT."""

    member: MemberId
    kind: str


class EtcdEndpoint(msgspec.Struct, frozen=True):
    """The report of the etcd on one host about itself and its cluster (Maintenance.Status, Cluster.MemberList, Alarm).

    `healthy` is whether a linearizable read succeeded, so it requires a quorum; `health_error` is the read's error
    otherwise. A learner, which serves no such read, is healthy while it has a leader, and lists no members. Sizes in
    bytes, indexes and terms as raft counts them. `db_in_use_bytes` is None if the server is too old to report it.
    `revision` is the store's revision.
    """

    member_id: MemberId
    cluster_id: str
    leader_id: MemberId | None
    version: str
    db_size_bytes: int
    db_in_use_bytes: int | None
    raft_term: int
    raft_index: int
    raft_applied_index: int
    revision: int
    learner: bool
    healthy: bool
    health_error: str | None
    members: tuple[EtcdMember, ...]
    alarms: tuple[EtcdAlarm, ...]
    errors: tuple[str, ...] = ()


class Election(msgspec.Struct, frozen=True):
    """The election of a leader as a member logged it; `at` is by the console's clock."""

    leader: MemberId
    term: int
    at: datetime


class ExternalEndpoint(msgspec.Struct, frozen=True):
    """An endpoint of an etcd outside the inventory, and its report through a control plane."""

    url: str
    etcd: Observed[EtcdEndpoint]


class EtcdHash(msgspec.Struct, frozen=True):
    """The hash of all keys up to `revision` in the data of `member` (Maintenance.HashKV).

    Members with equal data have equal hashes at equal revisions and compact revisions.
    """

    member: MemberId
    revision: int
    compact_revision: int
    value: int
