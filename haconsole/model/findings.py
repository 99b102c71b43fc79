"""What is wrong, in words: a cause, its evidence and what helps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Health(StrEnum):
    """The cluster in one word; `unknown` when nothing could be asked."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause. `code` is ``area.problem``; `subject` the host, member, VIP, backend or lease it is about.

    `summary` is one line, `why` the reasoning, `evidence` the facts behind it (consequences included), `actions` what
    helps, the best first, each a sentence or a ``haconsole run …`` command line.
    """

    code: str
    severity: Severity
    subject: str
    summary: str
    why: str
    evidence: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
