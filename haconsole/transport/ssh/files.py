"""Files of a host by way of commands, since root's files are out of SFTP's reach."""

from __future__ import annotations

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.scripts import load_script
from haconsole.transport.base import Argv, Completed, TransportError

_WRITE = load_script("write-file")
_MISSING = ("No such file or directory", "Not a directory")


def reading(path: str) -> Argv:
    return ("cat", "--", path)


def writing(host: HostName, path: str, size: int, mode: int, owner: str) -> Argv:
    """Reads the content from stdin and installs it atomically; `path` must be absolute."""
    if not path.startswith("/") or path.endswith("/"):
        raise TransportError(host, Cause.OTHER, f"cannot write to {path!r}", hint="give the absolute path of a file")
    return ("sh", "-c", _WRITE, "write", path, f"{mode:04o}", owner, str(size))


def content(host: HostName, path: str, result: Completed) -> bytes | None:
    """The result of `reading`; None for an absent file. Raises TransportError for one that cannot be read."""
    if result.ok:
        return result.raw
    message = result.stderr.strip()
    if result.cut is None and message.endswith(_MISSING):
        return None
    raise _failure(host, f"could not read {path}", result)


def require_written(host: HostName, path: str, result: Completed) -> None:
    """Raises TransportError unless `writing` succeeded; after a cut the file has the old or the new content."""
    if not result.ok:
        raise _failure(host, f"could not write {path}", result)


def _failure(host: HostName, what: str, result: Completed) -> TransportError:
    if result.cut is Cause.CONNECTION_LOST:
        return TransportError(
            host, result.cut, f"{what}: the connection was lost meanwhile", hint="check its state before you retry"
        )
    if result.cut is not None:
        return TransportError(host, result.cut, f"{what}: it timed out and was stopped")
    message = result.stderr.strip() or f"status {result.exit_status}, nothing on stderr"
    return TransportError(host, Cause.UNREADABLE, f"{what}: {message}")
