"""The type of an action (bootstrap, join …): its name, its arguments, and the planner that makes its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from haconsole.actions.step import Plan, Refusal
from haconsole.inventory.schema import Inventory
from haconsole.model.snapshot import ClusterSnapshot

Request = Mapping[str, str]
"""Values by argument name; an argument that was not given is absent. A flag that is set has the value ``yes``."""

Planner = Callable[[ClusterSnapshot, Inventory, Request], Plan | Refusal]


class ArgumentKind(StrEnum):
    """The kind of a value, for forms: a host's name, one of `choices`, a flag, any text, or a file.

    A file is a path on the operator's machine, relative to the current directory, or ``HOST:/PATH``.
    """

    HOST = "host"
    CHOICE = "choice"
    FLAG = "flag"
    TEXT = "text"
    FILE = "file"


class Argument(msgspec.Struct, frozen=True):
    """One argument. `positional` ones are given in order on the command line, the others as ``--name``.

    `letter` is a short name for the command line. An argument with `several` is the last positional one and takes any
    number of values, which a request holds separated by commas.
    """

    name: str
    kind: ArgumentKind
    help: str
    choices: tuple[str, ...] = ()
    positional: bool = False
    required: bool = False
    letter: str = ""
    several: bool = False


class Action(msgspec.Struct, frozen=True):
    """An action: `title` for a menu, `help` a sentence or two on its effect and use.

    `certificates`, `platform`: the planner reads these facts, so the snapshot must hold them. `dangerous`: it removes
    a member, a host or data; it is never listed first, and its form is not filled in from the row under the cursor.
    `synonyms` are further search words.
    """

    name: str
    title: str
    help: str
    arguments: tuple[Argument, ...]
    planner: Planner
    certificates: bool = False
    platform: bool = False
    dangerous: bool = False
    synonyms: tuple[str, ...] = ()
