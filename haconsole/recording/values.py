"""The model's values as JSON and back, without loss; what they are is known by the type that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from haconsole.model.observed import NOT_ASKED, Cause, Failed, Known, NotAsked, Observed

KNOWN, FAILED = "known", "failed"


def written(value: object) -> Any:
    """A value of the model as JSON: times in ISO 8601, fields that have their default left out."""
    match value:
        case Known():
            via = {} if not value.via else {"via": value.via}
            return {KNOWN: written(value.value), "at": value.at.isoformat(), **via, **_direct(value)}
        case Failed():
            last = {} if value.last is None else {"last": written(value.last)}
            asked = {} if not value.asked_from else {"asked_from": list(value.asked_from)}
            failed = {FAILED: value.reason, "at": value.at.isoformat(), "cause": value.cause.value}
            return {**failed, **last, **asked, **_direct(value)}
        case NotAsked():
            return {}
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case tuple():
            return [written(one) for one in value]
        case _ if is_dataclass(value):
            told = ((field, getattr(value, field.name)) for field in fields(value))
            return {field.name: written(own) for field, own in told if own != _default(field)}
        case _:
            return value


def _direct(value: Known[Any] | Failed[Any]) -> dict[str, Any]:
    return {} if value.direct is None else {"direct": written(replace(value.direct, last=None))}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what `written` wrote; every time in it comes back later by `later`.

    Raises ValueError, TypeError or KeyError for what is no such value.
    """

    later: timedelta = timedelta()

    def read(self, kind: Any, told: Any) -> Any:
        """A value of type `kind`."""
        arguments = get_args(kind)
        if get_origin(kind) in (Union, UnionType):
            if NotAsked in arguments:
                return self.observed(get_args(arguments[0])[0], told)
            return None if told is None else self.read(next(one for one in arguments if one is not NoneType), told)
        if get_origin(kind) is tuple:
            return tuple(self.read(arguments[0], one) for one in _a(list, told))
        if get_origin(kind) is Known:
            return self._known(arguments[0], told)
        if isinstance(kind, NewType):
            return self.read(kind.__supertype__, told)
        if is_dataclass(kind):
            return self._fields(kind, told)
        if kind is datetime:
            return self.time(told)
        if issubclass(kind, Enum):
            return kind(told)
        return float(_a((int, float), told)) if kind is float else _a(kind, told)

    def time(self, told: Any) -> datetime:
        """A moment, later by `later`; one without a zone is refused."""
        at = datetime.fromisoformat(told)
        if at.tzinfo is None:
            raise ValueError(f"{told} has no time zone")
        return at + self.later

    def observed(self, kind: Any, told: Any) -> Observed[Any]:
        """A fact whose value is a `kind`."""
        if KNOWN in _a(dict, told):
            return self._known(kind, told)
        if FAILED in told:
            last = self._known(kind, told["last"]) if "last" in told else None
            asked = tuple(_a(str, one) for one in _a(list, told.get("asked_from", [])))
            at, cause = self.time(told["at"]), Cause(told["cause"])
            return Failed(_a(str, told[FAILED]), at, cause, last, asked, self._direct(told))
        return NOT_ASKED

    def _known(self, kind: Any, told: Any) -> Known[Any]:
        via = _a(str, told.get("via", ""))
        return Known(self.read(kind, told[KNOWN]), self.time(told["at"]), via, self._direct(told))

    def _direct(self, told: Any) -> Failed[object] | None:
        direct = self.observed(object, told["direct"]) if "direct" in told else None
        return direct if isinstance(direct, Failed) else None

    def _fields(self, kind: Any, told: Mapping[str, Any]) -> Any:
        hints = hints_of(kind)
        return kind(**{name: self.read(hints[name], own) for name, own in _a(dict, told).items()})


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return get_type_hints(kind)


def _default(field: Field[Any]) -> object:
    return MISSING if field.default is MISSING else field.default


def _a(kind: Any, told: Any) -> Any:
    """`told`, which must be a `kind`; a truth value is no number."""
    if not isinstance(told, kind) or (isinstance(told, bool) and kind is not bool):
        raise TypeError(f"{told!r} stands where a {getattr(kind, '__name__', 'number')} belongs")
    return told
