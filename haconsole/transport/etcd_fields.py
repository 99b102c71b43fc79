"""Fields of etcd's messages that etcd3's generated code of 2020 does not name.

Field numbers never change meaning (etcd's api/etcdserverpb/rpc.proto), so what a newer server sent is read from a
message's unknown fields and what it takes is appended to a serialized request.
"""

from __future__ import annotations

from typing import Any

MEMBER_IS_LEARNER = 5
STATUS_RAFT_APPLIED_INDEX = 7
STATUS_ERRORS = 8
STATUS_DB_SIZE_IN_USE = 9
STATUS_IS_LEARNER = 10

ADD_AS_LEARNER = b"\x10\x01"
"""MemberAddRequest.isLearner (field 2, varint) set to true."""


def unknown_fields(message: Any) -> dict[int, tuple[Any, ...]]:
    """The values of the fields that `message`'s type does not name, by number: int for a varint, bytes for a string."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    result: dict[int, tuple[Any, ...]] = {}
    for field in UnknownFieldSet(message):
        result[field.field_number] = (*result.get(field.field_number, ()), field.data)
    return result


def number(fields: dict[int, tuple[Any, ...]], field: int) -> int | None:
    """The last value of a varint field; None when the server did not send it (zero is not sent)."""
    values = fields.get(field, ())
    return int(values[-1]) if values else None


def texts(fields: dict[int, tuple[Any, ...]], field: int) -> tuple[str, ...]:
    """All values of a repeated string field."""
    return tuple(bytes(value).decode(errors="replace") for value in fields.get(field, ()))
