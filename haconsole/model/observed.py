"""A fact as it was observed: known, failed, or never queried for. Unknown is never an empty value."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Cause(StrEnum):
    """The reason why a query got no answer; the kinds a person would treat differently."""

    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    NO_ROUTE = "no-route"
    NAME_NOT_FOUND = "name-not-found"
    AUTH_FAILED = "auth-failed"
    KEY_UNUSABLE = "key-unusable"
    HOST_KEY_UNKNOWN = "host-key-unknown"
    HOST_KEY_CHANGED = "host-key-changed"
    JUMP_FAILED = "jump-failed"
    CONNECTION_LOST = "connection-lost"
    SUDO_REFUSED = "sudo-refused"
    NO_SESSION = "no-session"
    NOT_INSTALLED = "not-installed"
    NOT_RUNNING = "not-running"
    NOT_CONFIGURED = "not-configured"
    UNREADABLE = "unreadable"
    OTHER = "other"


class Known(msgspec.Struct, Generic[T_co], frozen=True):
    """A value and the moment (aware, UTC) it was observed.

    `via` names the host from which the component was queried if its own host could not query it; empty: its own.
    `direct` is then the reason why its own host could not.
    """

    value: T_co
    at: datetime
    via: str = ""
    direct: Failed[object] | None = None


class Failed(msgspec.Struct, Generic[T_co], frozen=True):
    """A query at `at` got no usable answer; `last` is the newest value known before, if any.

    `asked_from` are the hosts from which the component itself was queried. Empty: the connection failed, and nothing is
    known about the component. `direct` is why its own host could not query it, if others did.
    """

    reason: str
    at: datetime
    cause: Cause = Cause.OTHER
    last: Known[T_co] | None = None
    asked_from: tuple[str, ...] = ()
    direct: Failed[object] | None = None


class NotAsked(msgspec.Struct, frozen=True):
    """The question does not arise (the host has no such role) or has not been queried yet."""


Observed: TypeAlias = Known[T] | Failed[T] | NotAsked

NOT_ASKED = NotAsked()


def value_of(fact: Observed[T]) -> T | None:
    """The value of a fact that is known now; None when it failed or was not queried."""
    return fact.value if isinstance(fact, Known) else None


def reason_of(fact: Observed[T]) -> str | None:
    """The reason why the fact is not known; None when it is known or was never queried."""
    return fact.reason if isinstance(fact, Failed) else None


def succeed(fact: Observed[T], before: Observed[T]) -> Observed[T]:
    """`fact` as the successor of `before`: a failure keeps the newest value known earlier."""
    if not isinstance(fact, Failed) or fact.last is not None:
        return fact
    match before:
        case Known():
            return replace(fact, last=before)
        case Failed(last=last) if last is not None:
            return replace(fact, last=last)
        case _:
            return fact
