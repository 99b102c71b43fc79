"""Loads an inventory file: returns a checked value, or every problem of the file."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import msgspec

from haconsole.inventory.limits import MAX_BYTES
from haconsole.inventory.problems import InventoryError, Level, Mark, Problem
from haconsole.inventory.schema import Inventory


class Examined(msgspec.Struct, frozen=True):
    """`inventory` is None exactly when `problems` has an error; problems are in the order of the file."""

    inventory: Inventory | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.level is Level.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.level is Level.WARNING)


def load(path: Path) -> Inventory:
    """Read and check an inventory file; warnings are left to `check`.

    Raises InventoryError with every error found, each at its line and column; local paths come back absolute.
    """
    examined = examine(read(path), str(path), path.resolve().parent)
    if examined.inventory is None:
        raise InventoryError(examined.errors)
    return examined.inventory


def read(path: Path) -> bytes:
    """The file's bytes, of a file that is too large only its beginning; raises InventoryError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), getattr(error, "strerror", None) or str(error)) from None


def read_stdin(stdin: TextIO | None) -> bytes:
    """As `read`, of standard input; None is a process that was started without one."""
    if stdin is None:
        raise _unreadable("<stdin>", "standard input is closed")
    try:
        return stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable("<stdin>", error.strerror or str(error)) from None


def _unreadable(file: str, reason: str) -> InventoryError:
    return InventoryError(
        (Problem(file, Mark(), f"the file cannot be read: {reason}", "give the path of an inventory file"),)
    )


def parse(text: str | bytes, file: str, base: Path) -> Inventory | tuple[Problem, ...]:
    """An inventory, or every error in `text`; `file` names it in problems, relative paths in it start at `base`."""
    examined = examine(text, file, base)
    return examined.errors if examined.inventory is None else examined.inventory


def examine(text: str | bytes, file: str, base: Path) -> Examined:
    """All problems of `text`, warnings included. Never raises for its content."""
    from haconsole.inventory.decode import decode
    from haconsole.inventory.formats import Folders
    from haconsole.inventory.nodes import UnreadableError, compose, decode_text
    from haconsole.inventory.problems import in_file
    from haconsole.inventory.rules.table import judge

    try:
        root = compose(decode_text(text) if isinstance(text, bytes) else text)
    except UnreadableError as error:
        return Examined(None, (in_file(file, error.fault),))
    decoded = decode(root, Folders(base, _home()))
    faults = sorted((*decoded.faults, *judge(decoded)), key=lambda fault: fault.mark)
    problems = tuple(in_file(file, fault) for fault in dict.fromkeys(faults))
    failed = any(problem.level is Level.ERROR for problem in problems)
    return Examined(None if failed else decoded.inventory, problems)


def decoded(text: str) -> Inventory:
    """The decodable part of `text`, not judged by any rule; raises UnreadableError where it is no YAML.

    For an unfinished file, by which hosts are queried for the missing parts.
    """
    from haconsole.inventory.decode import decode
    from haconsole.inventory.formats import Folders
    from haconsole.inventory.nodes import compose

    return decode(compose(text), Folders(Path("/"), _home())).inventory


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None
