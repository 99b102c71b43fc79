"""Leases as the apiserver stores them in etcd, for when no apiserver answers.

A stored object is ``k8s\0`` and a protobuf runtime.Unknown (kubernetes: staging/src/k8s.io/apimachinery,
pkg/runtime/generated.proto) around the object itself, or plain JSON if ``--storage-media-type`` is JSON. A Lease has
the same fields in coordination.k8s.io/v1 and v1beta1 (api/coordination/v1/generated.proto).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar

import msgspec

from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.transport.kube_objects import LeaseObject, LeaseSpec, Meta

PREFIX = b"/registry/leases/"
"""Under the apiserver's default ``--etcd-prefix``, followed by ``namespace/name``."""

_MAGIC = b"k8s\0"
_VERSIONS = ("coordination.k8s.io/v1", "coordination.k8s.io/v1beta1")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Value: TypeAlias = int | bytes
T = TypeVar("T", int, bytes)


def decode(entry: bytes) -> LeaseObject:
    """The Lease in an etcd value; ProbeError when it is something else, encrypted at rest included."""
    try:
        return _decode(entry)
    except (ValueError, IndexError, OverflowError, msgspec.DecodeError) as error:
        raise ProbeError(f"a lease in etcd cannot be read: {error}", Cause.UNREADABLE) from None


def _decode(entry: bytes) -> LeaseObject:
    if entry.startswith(b"k8s:enc:"):
        raise ValueError("it is encrypted at rest, and only the apiserver has the key")
    if entry.startswith(b"{"):
        return msgspec.json.decode(entry, type=LeaseObject)
    if not entry.startswith(_MAGIC):
        raise ValueError(f"it starts with {entry[:8]!r}")
    unknown = _Message(entry[len(_MAGIC) :])
    kind = unknown.message(1)
    if kind.text(2) != "Lease" or kind.text(1) not in _VERSIONS:
        raise ValueError(f"it is of kind {kind.text(2)}, API version {kind.text(1)}")
    lease = unknown.message(2)
    return LeaseObject(metadata=_meta(lease.message(1)), spec=_spec(lease.message(2)))


def _meta(message: _Message) -> Meta:
    return Meta(
        name=message.text(1) or "",
        namespace=message.text(3) or "",
        labels=message.texts_by_text(11) or None,
        annotations=message.texts_by_text(12) or None,
    )


def _spec(message: _Message) -> LeaseSpec:
    return LeaseSpec(
        holder_identity=message.text(1),
        lease_duration_seconds=message.number(2),
        acquire_time=_time(message.message(3)) if message.has(3) else None,
        renew_time=_time(message.message(4)) if message.has(4) else None,
        lease_transitions=message.number(5),
    )


def _time(message: _Message) -> datetime | None:
    """A MicroTime: seconds and nanoseconds since 1970; an empty one is no time."""
    seconds, nanos = message.number(1), message.number(2) or 0
    return None if seconds is None else _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)


class _Message:
    """One protobuf message (protobuf.dev: Encoding); of a field sent twice the last counts, as the format wants."""

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[_Value]] = {}
        for number, value in _fields(data):
            self._fields.setdefault(number, []).append(value)

    def has(self, field: int) -> bool:
        return field in self._fields

    def number(self, field: int) -> int | None:
        """A signed integer; None when it was not sent."""
        value = self._last(field, int)
        return value - (1 << 64) if value is not None and value >= 1 << 63 else value

    def text(self, field: int) -> str | None:
        value = self._last(field, bytes)
        return None if value is None else value.decode()

    def message(self, field: int) -> _Message:
        """A message within; empty when it was not sent."""
        return _Message(self._last(field, bytes) or b"")

    def texts_by_text(self, field: int) -> dict[str, str]:
        """A map: repeated messages of key (1) and value (2)."""
        entries = [_Message(value) for value in self._fields.get(field, ()) if isinstance(value, bytes)]
        return {entry.text(1) or "": entry.text(2) or "" for entry in entries}

    def _last(self, field: int, kind: type[T]) -> T | None:
        values = self._fields.get(field)
        if values is None:
            return None
        if not isinstance(values[-1], kind):
            raise ValueError(f"field {field} is of another type")
        return values[-1]


def _fields(data: bytes) -> Iterator[tuple[int, _Value]]:
    """Field numbers and values in the order they were sent; numbers that are not varints are skipped."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == _VARINT:
            number, at = _varint(data, at)
            yield tag >> 3, number
        elif wire == _BYTES:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise ValueError("it is cut off")
            yield tag >> 3, data[at : at + length]
            at += length
        elif wire in (_FIXED64, _FIXED32):
            at += 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"unexpected wire type {wire} at byte {at}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned integer of up to 64 bits and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & ((1 << 64) - 1), at
    raise ValueError("a number of more than 64 bits")
