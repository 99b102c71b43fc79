"""A lab's own record of itself, and the locks that keep two commands from making or unmaking it at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from haconsole.lab.errors import LabError
from haconsole.lab.spec import LabSpec

_RECORD = "lab.json"


def load(folder: Path) -> LabSpec | None:
    """The recorded shape of the lab in `folder`, None when there is none; raises LabError when it cannot be read."""
    try:
        return msgspec.json.decode((folder / _RECORD).read_bytes(), type=LabSpec)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise LabError(f"{folder / _RECORD} is damaged: {error}", hint="run `haconsole lab down`") from None


def save(folder: Path, spec: LabSpec) -> None:
    """Record the lab's shape, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    unfinished = folder / f"{_RECORD}.unfinished"
    unfinished.write_bytes(msgspec.json.encode(spec))
    unfinished.rename(folder / _RECORD)


def recorded(state: Path) -> tuple[LabSpec, ...]:
    """Every lab that has a record below `state`."""
    if not state.is_dir():
        return ()
    specs = (load(path) for path in sorted(state.iterdir()) if (path / _RECORD).is_file())
    return tuple(spec for spec in specs if spec is not None)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` in `folder`, waiting for its current holder; its file exists only while it is held."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.lock"
    while True:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_still(path, file.fileno()):
                continue  # its last holder removed it while this one waited
            try:
                yield
            finally:
                path.unlink()
            return
