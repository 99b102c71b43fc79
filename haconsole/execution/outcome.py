"""How performing an operation ended."""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.execution.events import Outcome


@dataclass(frozen=True, slots=True)
class OperationResult:
    """DONE, FAILED or UNKNOWN; what the host said, and the error in words unless DONE."""

    outcome: Outcome
    output: str = ""
    error: str | None = None


def success(output: str = "") -> OperationResult:
    return OperationResult(Outcome.DONE, output)


def failure(error: str, output: str = "") -> OperationResult:
    return OperationResult(Outcome.FAILED, output, error)


def unknown_end(error: str, output: str = "") -> OperationResult:
    return OperationResult(Outcome.UNKNOWN, output, error)
