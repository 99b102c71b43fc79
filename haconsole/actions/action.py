"""What an action is: a name, arguments and a planner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from haconsole.actions.step import Plan, Refusal
from haconsole.inventory.schema import Inventory
from haconsole.model.snapshot import ClusterSnapshot

Request = Mapping[str, str]
"""Values by argument name; an argument that was not given is not in it. A flag that is set has the value ``yes``."""

Planner = Callable[[ClusterSnapshot, Inventory, Request], Plan | Refusal]


class ArgumentKind(StrEnum):
    """What a value is, so that a form can offer it: a host's name, one of `choices`, a flag, any text, or a file.

    A file is one of the operator's machine, taken from the folder that the program was started in, or ``HOST:/PATH``.
    """

    HOST = "host"
    CHOICE = "choice"
    FLAG = "flag"
    TEXT = "text"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. `positional` ones are given by place on the command line, in order, the others as ``--name``.

    `letter` is a short name for the command line.
    """

    name: str
    kind: ArgumentKind
    help: str
    choices: tuple[str, ...] = ()
    positional: bool = False
    required: bool = False
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """An action: `title` for a menu, `help` a sentence or two on what it does and when to use it.

    `certificates`: the planner reads them, so the snapshot must hold them. `dangerous`: it removes a member, a host or
    data; it never comes first by chance, and its form is not filled in from the row under the cursor. `synonyms` are
    further words by which an operator looks for it.
    """

    name: str
    title: str
    help: str
    arguments: tuple[Argument, ...]
    planner: Planner
    certificates: bool = False
    dangerous: bool = False
    synonyms: tuple[str, ...] = ()
