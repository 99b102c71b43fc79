"""Command lines within sentences, told as the entries of a form: ``--only etcd`` as ``only = etcd``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from haconsole.actions.catalogue import Argument, ArgumentKind, catalogue

SET = "yes"
"""What a flag that is set has for a value."""
OPTION = re.compile(r"(?P<before>\W*?)--(?P<name>[a-z]+(?:-[a-z]+)*)(?P<after>[^\w-]*)")
VALUE = re.compile(r"[\w.:,-]*[A-Z0-9][\w.:,-]*")
ENDS = ":,;.)"


def in_fields(text: str) -> str:
    """`text` with the options of this console's actions told as fields of their forms; other programs' stay.

    Behind an action the fields stand with their values; elsewhere a field is quoted.
    """
    words, told = text.split(" "), list[str]()
    command = False
    rest = iter(range(len(words)))
    for index in rest:
        word = words[index]
        option = OPTION.fullmatch(word)
        argument = options().get(option["name"]) if option else None
        if option is None or argument is None:
            command = word in actions()
            told.append(word)
            continue
        value = SET if argument.kind is ArgumentKind.FLAG else ""
        end, following = option["after"], words[index + 1 : index + 2]
        if not value and not end and following and _is_value(argument, following[0]):
            next(rest)
            value = following[0].rstrip(ENDS)
            end = following[0][len(value) :]
        if told and _is_field(told[-1]):
            told[-1] += ","
        elif command and value:
            told.append("with")
        elif command:
            told[-1] += ","
        named = f"{argument.name} = {value}" if value else f"“{argument.name}”"
        told.append(f"{option['before']}{named}{end}")
        command = False
    return " ".join(told)


def _is_field(told: str) -> bool:
    return " = " in told and told[-1] not in ENDS


def _is_value(argument: Argument, word: str) -> bool:
    value = word.rstrip(ENDS)
    if argument.choices:
        return value in argument.choices
    return VALUE.fullmatch(value) is not None or (argument.kind is ArgumentKind.HOST and value not in ("and", "or"))


@cache
def options() -> Mapping[str, Argument]:
    """Every action's arguments that are options on the command line, by name."""
    return {
        argument.name: argument for action in catalogue() for argument in action.arguments if not argument.positional
    }


@cache
def actions() -> frozenset[str]:
    """The names of the actions."""
    return frozenset(action.name for action in catalogue())
