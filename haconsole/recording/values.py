"""The model's values as JSON and back, without loss; the requested type decides how a value is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from itertools import repeat
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import replace

from haconsole.model.observed import NOT_ASKED, Cause, Failed, Known, NotAsked, Observed
from haconsole.model.system import SystemFacts
from haconsole.model.unit_setup import NeededFile

KNOWN, FAILED = "known", "failed"
STORED_FIELDS: dict[type, dict[str, str]] = {
    SystemFacts: {"files_written": "written"},
    NeededFile: {"written_at": "written"},
}
"""Fields whose recorded name differs from the attribute, by kind: attribute to recorded name."""


def to_json_value(value: object) -> Any:
    """A value of the model as JSON: times in ISO 8601, fields that have their default left out."""
    match value:
        case Known():
            via = {} if not value.via else {"via": value.via}
            return {KNOWN: to_json_value(value.value), "at": value.at.isoformat(), **via, **_direct(value)}
        case Failed():
            last = {} if value.last is None else {"last": to_json_value(value.last)}
            asked_from = {} if not value.asked_from else {"asked_from": list(value.asked_from)}
            failed = {FAILED: value.reason, "at": value.at.isoformat(), "cause": value.cause.value}
            return {**failed, **last, **asked_from, **_direct(value)}
        case NotAsked():
            return {}
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case tuple():
            return [to_json_value(one) for one in value]
        case msgspec.Struct():
            stored, defaults = STORED_FIELDS.get(type(value), {}), _defaults_of(type(value))
            pairs = ((name, getattr(value, name)) for name in value.__struct_fields__)
            return {
                stored.get(name, name): to_json_value(own)
                for name, own in pairs
                if own != defaults.get(name, msgspec.NODEFAULT)
            }
        case _:
            return value


def _direct(value: Known[Any] | Failed[Any]) -> dict[str, Any]:
    return {} if value.direct is None else {"direct": to_json_value(replace(value.direct, last=None))}


class Reader(msgspec.Struct, frozen=True):
    """Reads what `to_json_value` wrote; every time in it is later by `later`.

    Raises ValueError, TypeError or KeyError for an invalid value.
    """

    later: timedelta = timedelta()
    values_read: dict[tuple[int, Any], Any] | None = None
    """Values of facts by the identity of their JSON, which must stay in memory, and their type; None to keep none."""

    def read(self, kind: Any, raw: Any) -> Any:
        """A value of type `kind`."""
        arguments = get_args(kind)
        if get_origin(kind) in (Union, UnionType):
            if NotAsked in arguments:
                return self.observed(get_args(arguments[0])[0], raw)
            return None if raw is None else self.read(next(one for one in arguments if one is not NoneType), raw)
        if get_origin(kind) is tuple:
            kinds = repeat(arguments[0]) if arguments[-1] is ... else arguments
            return tuple(self.read(own, one) for own, one in zip(kinds, _a(list, raw), strict=arguments[-1] is not ...))
        if get_origin(kind) is Known:
            return self._known(arguments[0], raw)
        if isinstance(kind, NewType):
            return self.read(kind.__supertype__, raw)
        if issubclass(kind, msgspec.Struct):
            return self._fields(kind, raw)
        if kind is datetime:
            return self.time(raw)
        if issubclass(kind, Enum):
            return kind(raw)
        return float(_a((int, float), raw)) if kind is float else _a(kind, raw)

    def time(self, raw: Any) -> datetime:
        """A moment, later by `later`; one without a zone is refused."""
        at = datetime.fromisoformat(raw)
        if at.tzinfo is None:
            raise ValueError(f"{raw} has no time zone")
        return at + self.later

    def observed(self, kind: Any, raw: Any) -> Observed[Any]:
        """A fact whose value is a `kind`."""
        if KNOWN in _a(dict, raw):
            return self._known(kind, raw)
        if FAILED in raw:
            last = self._known(kind, raw["last"]) if "last" in raw else None
            asked_from = tuple(_a(str, one) for one in _a(list, raw.get("asked_from", [])))
            at, cause = self.time(raw["at"]), Cause(raw["cause"])
            return Failed(_a(str, raw[FAILED]), at, cause, last, asked_from, self._direct(raw))
        return NOT_ASKED

    def _known(self, kind: Any, raw: Any) -> Known[Any]:
        via = _a(str, raw.get("via", ""))
        return Known(self._value(kind, raw[KNOWN]), self.time(raw["at"]), via, self._direct(raw))

    def _value(self, kind: Any, raw: Any) -> Any:
        """The value of a fact; the same JSON is read once, as most facts of a moment are those of the one before."""
        if self.values_read is None or self.later or not isinstance(raw, (dict, list)):
            return self.read(kind, raw)
        identity = (id(raw), kind)
        if identity not in self.values_read:
            self.values_read[identity] = self.read(kind, raw)
        return self.values_read[identity]

    def _direct(self, raw: Any) -> Failed[object] | None:
        direct = self.observed(object, raw["direct"]) if "direct" in raw else None
        return direct if isinstance(direct, Failed) else None

    def _fields(self, kind: Any, raw: Mapping[str, Any]) -> Any:
        hints = hints_of(kind)
        attributes = {stored: name for name, stored in STORED_FIELDS.get(kind, {}).items()}
        values = {attributes.get(name, name): own for name, own in _a(dict, raw).items()}
        return kind(**{name: self.read(hints[name], own) for name, own in values.items()})


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """The types of a value's fields."""
    return get_type_hints(kind)


@cache
def _defaults_of(kind: type[msgspec.Struct]) -> dict[str, object]:
    """The defaults of the last fields, of those that have one."""
    names, defaults = kind.__struct_fields__, kind.__struct_defaults__
    return dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))


def _a(kind: Any, raw: Any) -> Any:
    """`raw`, which must be a `kind`; a truth value is no number."""
    if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
        raise TypeError(f"{raw!r} instead of a {getattr(kind, '__name__', 'number')}")
    return raw
