"""How performing an operation ended."""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.execution.events import Outcome


@dataclass(frozen=True, slots=True)
class Performed:
    """DONE, FAILED or UNKNOWN; what the host said, and the error in words unless DONE."""

    outcome: Outcome
    output: str = ""
    error: str | None = None


def done(output: str = "") -> Performed:
    return Performed(Outcome.DONE, output)


def failed(error: str, output: str = "") -> Performed:
    return Performed(Outcome.FAILED, output, error)


def unknown(error: str, output: str = "") -> Performed:
    return Performed(Outcome.UNKNOWN, output, error)
