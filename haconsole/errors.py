"""The family of errors that reach a person: the failure, its place, and the next step to take."""

from __future__ import annotations

import errno
from enum import IntEnum
from pathlib import PurePath


class ExitCode(IntEnum):
    """Process exit status of every verb."""

    OK = 0
    DEGRADED = 1
    CRITICAL = 2
    UNKNOWN = 3
    REFUSED = 4
    INVALID_INVENTORY = 5
    FAILED = 6
    LOCKED = 7
    USAGE = 64
    INTERRUPTED = 130
    CLOSED_PIPE = 141


class HaconsoleError(Exception):
    """A failure that a person can fix.

    `what` is the failure, `hint` the next step to take (may be empty); `exit_code` is the verb's exit status when the
    error reaches the command line.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(f"{what}; {hint}" if hint else what)
        self.what = what
        self.hint = hint


class UsageError(HaconsoleError):
    """The arguments of a command are wrong."""

    exit_code = ExitCode.USAGE


class RefusedError(HaconsoleError):
    """A request that is refused, with the reasons."""

    exit_code = ExitCode.REFUSED


_FILE_HINTS = {
    errno.EISDIR: "give the path of a file, not of a folder",
    errno.ENOTDIR: "part of the path is a file, not a folder: correct the path",
    errno.EACCES: "give this account the right to it, or choose another path",
    errno.EPERM: "give this account the right to it, or choose another path",
    errno.EROFS: "choose a path on a file system that can be written to",
    errno.ENOSPC: "free up space there, or choose a path on another file system",
    errno.EDQUOT: "free up space there, or choose a path on another file system",
    errno.ENAMETOOLONG: "choose a shorter path",
}


def file_hint(path: PurePath, error: OSError, *, to_write: bool = False) -> str:
    """The fix for a file on this machine, named by the operator, that could not be read or written."""
    if error.errno == errno.ENOENT:
        return f"create the folder {path.parent} first, or choose another path" if to_write else "correct the path"
    return _FILE_HINTS.get(error.errno or 0, "choose another path")


def place(error: BaseException) -> str:
    """The innermost place in this package that the error passed through, as ``module.py:LINE``."""
    import traceback
    from pathlib import Path

    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    package = Path(__file__).parent
    ours = [(path.relative_to(package), line) for path, line in frames if path.is_relative_to(package)] or frames
    return f"{ours[-1][0]}:{ours[-1][1]}" if ours else "an unknown place"
