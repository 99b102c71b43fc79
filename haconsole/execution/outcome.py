"""The result of an operation: success, failure or unknown, with its output and error."""

from __future__ import annotations

import msgspec

from haconsole.execution.events import Outcome


class OperationResult(msgspec.Struct, frozen=True):
    """DONE, FAILED or UNKNOWN; the host's output, and the error as text unless DONE."""

    outcome: Outcome
    output: str = ""
    error: str | None = None


def success(output: str = "") -> OperationResult:
    return OperationResult(Outcome.DONE, output)


def failure(error: str, output: str = "") -> OperationResult:
    return OperationResult(Outcome.FAILED, output, error)


def unknown_end(error: str, output: str = "") -> OperationResult:
    return OperationResult(Outcome.UNKNOWN, output, error)
