"""The answers of etcd's calls as values: messages of gRPC, and the JSON of the gateway (64-bit numbers as text)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from haconsole.model.etcd import EtcdAlarm, EtcdMember
from haconsole.model.names import MemberId
from haconsole.transport import etcd_fields as fields

_ALARM = re.compile(r"memberID:(?P<member>\d+) +alarm:(?P<kind>[A-Z]+)")


class EtcdStatus(msgspec.Struct, frozen=True):
    """Maintenance.Status of one member; it answers without quorum too. `leader_id` is None while it knows none.

    `errors` are the server's words (3.4 and newer); it lists the active alarms of all
    members there, which `alarms` reads.
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
    errors: tuple[str, ...]

    @property
    def alarms(self) -> tuple[EtcdAlarm, ...]:
        """Active alarms of all members, as far as this one has applied the log."""
        matches = (_ALARM.search(error) for error in self.errors)
        return tuple(EtcdAlarm(hexadecimal(int(match["member"])), match["kind"]) for match in matches if match)


class KeyValue(msgspec.Struct, frozen=True):
    """A key with its value; `mod_revision` is the store's revision at which it was last written."""

    key: bytes
    value: bytes
    mod_revision: int


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot written to a file: its size in bytes, the checksum etcd appended to it included and verified."""

    size_bytes: int
    sha256: str


def hexadecimal(identity: int) -> MemberId:
    return MemberId(f"{identity:x}")


def status_of(answer: Any) -> EtcdStatus:
    """From a StatusResponse."""
    newer = fields.unknown_fields(answer)
    return EtcdStatus(
        member_id=hexadecimal(answer.header.member_id),
        cluster_id=f"{answer.header.cluster_id:x}",
        leader_id=hexadecimal(answer.leader) if answer.leader else None,
        version=answer.version,
        db_size_bytes=answer.dbSize,
        db_in_use_bytes=fields.number(newer, fields.STATUS_DB_SIZE_IN_USE),
        raft_term=answer.raftTerm,
        raft_index=answer.raftIndex,
        raft_applied_index=fields.number(newer, fields.STATUS_RAFT_APPLIED_INDEX) or 0,
        revision=answer.header.revision,
        learner=bool(fields.number(newer, fields.STATUS_IS_LEARNER)),
        errors=fields.texts(newer, fields.STATUS_ERRORS),
    )


def member_of(entry: Any) -> EtcdMember:
    """From a Member."""
    return EtcdMember(
        id=hexadecimal(entry.ID),
        name=entry.name,
        peer_urls=tuple(entry.peerURLs),
        client_urls=tuple(entry.clientURLs),
        learner=bool(fields.number(fields.unknown_fields(entry), fields.MEMBER_IS_LEARNER)),
    )


def members_of(answer: Any) -> tuple[EtcdMember, ...]:
    """From any answer that carries the member list."""
    return tuple(member_of(entry) for entry in answer.members)


def alarms_of(answer: Any, names: Any) -> tuple[EtcdAlarm, ...]:
    """From an AlarmResponse; `names` is the AlarmType enumeration."""
    return tuple(EtcdAlarm(hexadecimal(alarm.memberID), names.Name(alarm.alarm)) for alarm in answer.alarms)


def values_of(answer: Any) -> tuple[KeyValue, ...]:
    """From a RangeResponse."""
    return tuple(KeyValue(entry.key, entry.value, entry.mod_revision) for entry in answer.kvs)


def status_from_json(answer: Mapping[str, Any]) -> EtcdStatus:
    """From a StatusResponse of the gateway, which leaves out what is zero, false or empty."""
    header = answer["header"]
    leader, in_use = _integer(answer, "leader"), _integer(answer, "dbSizeInUse")
    return EtcdStatus(
        member_id=hexadecimal(int(header["member_id"])),
        cluster_id=f"{int(header['cluster_id']):x}",
        leader_id=hexadecimal(leader) if leader else None,
        version=answer["version"],
        db_size_bytes=_integer(answer, "dbSize"),
        db_in_use_bytes=in_use or None,
        raft_term=_integer(answer, "raftTerm"),
        raft_index=_integer(answer, "raftIndex"),
        raft_applied_index=_integer(answer, "raftAppliedIndex"),
        revision=_integer(header, "revision"),
        learner=bool(answer.get("isLearner")),
        errors=tuple(answer.get("errors", ())),
    )


def members_from_json(answer: Mapping[str, Any]) -> tuple[EtcdMember, ...]:
    """From a MemberListResponse of the gateway."""
    return tuple(
        EtcdMember(
            id=hexadecimal(int(entry["ID"])),
            name=entry.get("name", ""),
            peer_urls=tuple(entry.get("peerURLs", ())),
            client_urls=tuple(entry.get("clientURLs", ())),
            learner=bool(entry.get("isLearner")),
        )
        for entry in answer["members"]
    )


def values_from_json(answer: Mapping[str, Any]) -> tuple[KeyValue, ...]:
    """From a RangeResponse of the gateway."""
    int(answer["header"]["member_id"])
    return tuple(
        KeyValue(_bytes(entry, "key"), _bytes(entry, "value"), _integer(entry, "mod_revision"))
        for entry in answer.get("kvs", ())
    )


def _integer(answer: Mapping[str, Any], name: str) -> int:
    return int(answer.get(name, 0))


def _bytes(entry: Mapping[str, Any], name: str) -> bytes:
    return base64.b64decode(entry.get(name, ""), validate=True)
