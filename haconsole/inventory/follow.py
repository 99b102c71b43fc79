"""Updates the inventory file after a host has left the cluster: makes its new text and writes it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from haconsole.errors import HaconsoleError
from haconsole.inventory.edit import diff, without_host
from haconsole.inventory.load import read


class FileChange(msgspec.Struct, frozen=True):
    """The text of the file now, and what it should be; None where a person has to see to that."""

    path: Path
    host: str
    before: str
    after: str | None

    @property
    def diff(self) -> str:
        """The change as patch(1) takes it; empty where a person has to make it."""
        return "" if self.after is None else diff(self.before, self.after, str(self.path))

    @property
    def by_hand(self) -> str:
        """The manual change, as text."""
        return f"{self.host} has left the cluster: remove this host and all references to it from {self.path}"

    def apply(self) -> None:
        """Write the new text; raises HaconsoleError if the file cannot be written or was changed meanwhile."""
        if self.after is None or read(self.path).decode("utf-8-sig") != self.before:
            raise HaconsoleError(f"{self.path} was changed meanwhile", hint=self.by_hand)
        _write(self.path, self.after)


def without(path: Path, host: str) -> FileChange | None:
    """The change of a file after `host` has left; None if it does not name the host."""
    before = read(path).decode("utf-8-sig")
    after = without_host(before, host, file=str(path), base=path.resolve().parent)
    return FileChange(path, host, before, after) if after is not None or f"name: {host}" in before else None


def _write(path: Path, text: str) -> None:
    """Replace the file atomically, keeping its mode; a link stays a link. A failure leaves nothing behind."""
    path = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HaconsoleError(
            f"cannot write {path}: {error.strerror}", hint="change the file by hand as shown"
        ) from error
