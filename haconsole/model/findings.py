"""Findings: a cause, its evidence and its remedies."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Health(StrEnum):
    """The cluster's health in one word; `unknown` when no host could be reached."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Advice(msgspec.Struct, frozen=True):
    """Something for a person to do outside this console."""

    text: str
    last_resort: bool = False


class ActionCall(msgspec.Struct, frozen=True):
    """An action of the catalogue with the known arguments; a form prompts for the others.

    A plan keeps one too, as the action that undoes it.
    """

    action: str
    """The action's name in the catalogue."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Name and value; a flag that is set has the value ``yes``."""
    text: str = ""
    """The effect of the action here, as an imperative; empty if its title is enough."""
    last_resort: bool = False

    @property
    def request(self) -> dict[str, str]:
        """The arguments as a planner takes them."""
        return dict(self.arguments)


Remedy: TypeAlias = Advice | ActionCall


class Finding(msgspec.Struct, frozen=True):
    """One cause. `code` is ``area.problem``; `subject` the host, member, VIP, backend or lease it is about.

    `summary` is one line, `why` the reasoning, `evidence` the facts behind it (consequences included), `remedies` the
    ways to fix it, the best first, last resorts last.
    """

    code: str
    severity: Severity
    subject: str
    summary: str
    why: str
    evidence: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()

    @property
    def calls(self) -> tuple[ActionCall, ...]:
        """The remedies that are actions of this console."""
        return tuple(each for each in self.remedies if isinstance(each, ActionCall))
