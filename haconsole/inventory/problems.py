"""The problems of an inventory file, each with its place and its fix."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from haconsole.errors import ExitCode, HaconsoleError


class Level(StrEnum):
    """An error makes the file unusable; a warning is printed and the file is used."""

    ERROR = "error"
    WARNING = "warning"


class Mark(msgspec.Struct, frozen=True, order=True):
    """A place in the file, both counted from 1."""

    line: int = 1
    column: int = 1


class Fault(msgspec.Struct, frozen=True):
    """One problem. `what` and `hint` are halves of a sentence, without a full stop and without any secret."""

    mark: Mark
    what: str
    hint: str
    level: Level = Level.ERROR


class Problem(msgspec.Struct, frozen=True):
    """A fault of a certain file."""

    file: str
    mark: Mark
    what: str
    hint: str
    level: Level = Level.ERROR

    def __str__(self) -> str:
        """``FILE:LINE:COL: what; how to hint``, with ``warning:`` before a warning."""
        word = "warning: " if self.level is Level.WARNING else ""
        return f"{self.file}:{self.mark.line}:{self.mark.column}: {word}{self.what}; {self.hint}"


def in_file(file: str, fault: Fault) -> Problem:
    """The fault as a problem of `file`."""
    return Problem(file, fault.mark, fault.what, fault.hint, fault.level)


def quoted(text: str, limit: int = 40) -> str:
    """`text` in quotes for a message: what does not print is escaped, what is long is cut."""
    short = text if len(text) <= limit else f"{text[: limit - 3]}..."
    return "'" + "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in short) + "'"


class InventoryError(HaconsoleError):
    """The inventory cannot be used; `problems` holds every error found, in the order of the file."""

    exit_code = ExitCode.INVALID_INVENTORY

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        super().__init__("\n".join((f"the inventory has {count}:", *(str(problem) for problem in problems))))
        self.problems = problems
