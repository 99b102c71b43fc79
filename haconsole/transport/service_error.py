"""A refusal of a program behind a connection, as a kind for code and a message for a person."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Generic, Self, TypeVar

import msgspec

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError

Kind = TypeVar("Kind", bound=StrEnum)
REFUSED, UNAVAILABLE = "refused", "unavailable"
"""Kinds that every program has: nothing listens there; the way to it was lost, by which side is not known."""


class Vocabulary(msgspec.Struct, frozen=True):
    """A program's name, and for each kind of failure its cause (OTHER if unknown) and its fix."""

    program: str
    causes: Mapping[str, Cause]
    hints: Mapping[str, str]


class ServiceError(TransportError, Generic[Kind]):
    """The program on `host` did not perform the request; `detail` is its answer, unshortened."""

    words: ClassVar[Vocabulary]

    def __init__(self, host: HostName, kind: Kind, tried: str, detail: str, *, closed: bool = False) -> None:
        message = REFUSED if closed else str(kind)
        what = f"{self.words.program}, {tried}: {detail}"
        super().__init__(host, self.words.causes.get(message, Cause.OTHER), what, hint=self.words.hints[message])
        self.kind = kind
        self.tried = tried
        self.detail = detail

    def for_refusal(self, refusal: str | None) -> Self:
        """The same error with the reason of the closed connection, if it is known and caused this.

        The kind stays: the request may have arrived before the connection was closed.
        """
        if refusal is None or self.kind != UNAVAILABLE:
            return self
        return type(self)(self.host, self.kind, self.tried, refusal, closed=True)
