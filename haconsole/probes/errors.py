"""Errors of queries on a host that was reached: a program is missing, fails, times out or needs root."""

from __future__ import annotations

from haconsole.errors import HaconsoleError
from haconsole.model.observed import Cause
from haconsole.probes.script import SectionAnswer

_MISSING_PROGRAM = 127
_NO_ROOT = ("a password is required", "is not in the sudoers", "permission denied", "operation not permitted")


class ProbeError(HaconsoleError):
    """An answer without usable content; `cause` is the part that is missing, not running or not readable."""

    def __init__(self, what: str, cause: Cause = Cause.OTHER, *, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.cause = cause


def require(answer: SectionAnswer, what: str) -> str:
    """The output of a section that succeeded; a ProbeError with the answer when it did not."""
    if answer.status == 0:
        return answer.output
    stderr = " ".join(answer.errors.split())[:300]
    if answer.status == _MISSING_PROGRAM:
        raise ProbeError(f"{what}: {stderr or 'no such program'}", Cause.NOT_INSTALLED)
    if answer.status == 124:
        raise ProbeError(f"{what}: timed out", Cause.TIMED_OUT)
    cause = Cause.UNREADABLE if any(word in stderr.lower() for word in _NO_ROOT) else Cause.OTHER
    raise ProbeError(f"{what}: ended with status {answer.status}: {stderr or 'no output'}", cause)
